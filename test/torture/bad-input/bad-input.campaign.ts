import { randomBytes } from 'node:crypto';
import type { Campaign, CampaignContext } from '../campaign.ts';
import { ApiAttack } from './api-attack.ts';
import { ADAPTERS, AppServer, type AdapterName } from './app-server.ts';
import { attackBoots } from './boot-attack.ts';
import { ClaimAttack } from './claim-attack.ts';
import { CliAttack } from './cli-attack.ts';
import { HttpAttack, MAX_BYTES } from './http-attack.ts';
import { Secrets } from './secrets.ts';
import { attackSettings } from './settings-attack.ts';
import { StoreAttack } from './store-attack.ts';

export const campaign: Campaign = {
  name: 'bad-input',
  title:
    'whatever is sent, the answer is a plain no: no crash, no hang, no 5xx, no secret, no stack, log lines whole',
  goal: 50_000,
  short: 600,
  async run(context) {
    let tried = attackSettings(Math.ceil(context.count / 10), context);
    tried += await attackBoots(Math.ceil(context.count / 1000), context);
    tried += await new ApiAttack(context).run(Math.ceil(context.count / 50));
    tried += await new ClaimAttack(context).run(Math.ceil(context.count / 50));
    tried += await new StoreAttack(context).run(Math.ceil(context.count / 500));
    for (const [index, adapter] of ADAPTERS.entries())
      tried += await attackServer(adapter, index === 0 ? 'plain' : 'json', context);
    return { tried };
  },
};

async function attackServer(
  adapter: AdapterName,
  logs: 'plain' | 'json',
  context: CampaignContext,
): Promise<number> {
  const [adminToken, metricsToken] = [
    randomBytes(36).toString('base64url'),
    randomBytes(36).toString('base64url'),
  ];
  const secrets = new Secrets([adminToken, metricsToken]);
  const server = await AppServer.start(adapter, logs, {
    ADMIN_TOKEN: adminToken,
    SESSION_METRICS_TOKEN: metricsToken,
    MAX_BYTES_PER_SESSION: String(MAX_BYTES),
    MAX_RESOURCES_PER_SESSION: '20',
    SESSION_UPLOAD_IDLE_SECONDS: '1',
  });
  try {
    const attack = new HttpAttack(adapter, server, context, secrets, adminToken);
    await attack.prepare();
    const startedAt = performance.now();
    await attack.run(Math.ceil(context.count / 2), Math.ceil(context.count / 20));
    if (!server.isAlive) context.violation(`${adapter}: the server died: ${server.log.slice(-2000)}`);
    const cli = new CliAttack(server, context, secrets, {
      ADMIN_TOKEN: adminToken,
      SESSION_METRICS_TOKEN: metricsToken,
    });
    const commands = Math.ceil(context.count / 100);
    // The second server gets the command lines that follow those of the first.
    const commandsRun = await cli.run(commands, logs === 'plain' ? 0 : commands);
    await attack.aftermath();
    const code = await server.stop();
    if (code !== 0) context.violation(`${adapter}: the server left ${code}`);
    for (const line of server.badLogLines(logs))
      context.violation(`${adapter}: a line of the log: ${JSON.stringify(line.slice(0, 1000))}`);
    const secret = secrets.findIn(server.log);
    if (secret !== null) context.violation(`${adapter}: a secret in the log: ${secret}`);
    context.note(
      `${adapter}: ${attack.statuses}; ${commandsRun} commands, ${cli.exits}; ${server.logLines} log lines; ${Math.round((performance.now() - startedAt) / 1000)} s`,
    );
    return attack.tried + commandsRun;
  } finally {
    await server.destroy();
  }
}

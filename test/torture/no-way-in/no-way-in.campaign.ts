import { randomBytes } from 'node:crypto';
import { ADAPTERS, AppServer, type AdapterName } from '../bad-input/app-server.ts';
import type { Campaign, CampaignContext } from '../campaign.ts';
import { seededRandom } from '../random.ts';
import { AdminAttack } from './admin-attack.ts';
import { CanaryHunt } from './canary-hunt.ts';
import { ClientWords } from './client-words.ts';
import { presentOverdueTokens, presentTokensOverHttp } from './http-tokens.ts';
import { huntInRedis } from './redis-hunt.ts';
import { presentTokens } from './store-tokens.ts';

/** The count is that of the cookies whose every bit is flipped. */
export const campaign: Campaign = {
  name: 'no-way-in',
  title: 'no spelling of a request opens the admin, no forged or dead token a session, and no secret shows',
  goal: 2000,
  short: 30,
  async run(context) {
    const forged = await presentTokens(context.count, context);
    const attacks = ADAPTERS.map((adapter, index) =>
      // Each with choices of its own: they run at once, and in no certain order.
      attackServer(adapter, index === 0 ? 'plain' : 'json', {
        ...context,
        random: seededRandom(context.seed + 1 + index),
      }),
    );
    const others = await Promise.all([huntInRedis(context), ...attacks]);
    return { tried: others.reduce((sum, tried) => sum + tried, forged) };
  },
};

async function attackServer(
  adapter: AdapterName,
  logs: 'plain' | 'json',
  context: CampaignContext,
): Promise<number> {
  const startedAt = performance.now();
  const [adminToken = '', spareToken = '', metricsToken = ''] = Array.from({ length: 3 }, () =>
    randomBytes(36).toString('base64url'),
  );
  const words = new ClientWords();
  const environment = { ADMIN_TOKEN: `${adminToken},${spareToken}`, SESSION_METRICS_TOKEN: metricsToken };
  const settings = {
    ...environment,
    SESSION_JOURNAL: 'requests',
    // Paths without parameters are kept whole, so that there is a HAR; no client says this word.
    SESSION_JOURNAL_PATHS: 'page',
    DEMO_USERS: `${words.user}:${words.password}`,
  };
  const server = await AppServer.start(adapter, logs, settings);
  try {
    const admin = new AdminAttack(adapter, server.port, { adminToken, spareToken, metricsToken }, context);
    const variants = await admin.run(2 * context.count);
    const [tokens, overdue] = await Promise.all([
      presentTokensOverHttp(adapter, server.port, adminToken, context),
      presentOverdueTokens(adapter, context),
    ]);
    const hunt = new CanaryHunt(adapter, server, environment, words, context);
    const places = await hunt.run();
    for (const line of server.badLogLines(logs))
      context.violation(`${adapter}: a line of the log: ${JSON.stringify(line.slice(0, 1000))}`);
    const seconds = Math.round((performance.now() - startedAt) / 1000);
    context.note(
      `${adapter}: admin ${admin.statuses}; ${tokens + overdue} tokens over HTTP; ${hunt.summary}; ${seconds} s`,
    );
    return variants + tokens + overdue + places;
  } finally {
    await server.destroy();
  }
}

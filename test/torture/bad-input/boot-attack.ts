import { spawn } from 'node:child_process';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { ENVIRONMENT } from 'nest-sessions';
import type { CampaignContext } from '../campaign.ts';
import { ROOT, STACK } from './app-server.ts';
import { SETTING_VALUES } from './cases/command-lines.ts';
import { Chance } from './chance.ts';

const WITHIN_MS = 20_000;
const AT_ONCE = 2;
/** Characters of a message for each setting: all of them may be wrong. */
const MOST_OF_A_SETTING = 150;
const SECRET = 'a-secret-that-is-not-to-be-told';

type Environment = Record<string, string>;

/** Starts of the app on settings that cannot be: it says why in plain words and leaves, or it serves. */
export async function attackBoots(count: number, context: CampaignContext): Promise<number> {
  const folder = await mkdtemp(join(tmpdir(), 'nest-sessions-torture-'));
  try {
    const written = await writtenEnvironments(folder);
    const chance = new Chance(context.random);
    let next = 0;
    const worker = async (): Promise<void> => {
      while (next < count) {
        const number = next;
        next += 1;
        const environment = written[number] ?? {
          [chance.pick(Object.values(ENVIRONMENT))]: chance.pick(SETTING_VALUES),
        };
        await boot({ SESSION_STORAGE_PATH: join(folder, `root-${number}`), ...environment }, context);
      }
    };
    await Promise.all(Array.from({ length: AT_ONCE }, worker));
    return count;
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function writtenEnvironments(folder: string): Promise<Environment[]> {
  await Promise.all([
    writeFile(join(folder, 'file'), 'x'),
    mkdir(join(folder, 'open'), { mode: 0o777 }),
    mkdir(join(folder, 'full')),
  ]);
  await Promise.all([
    symlink(join(folder, 'open'), join(folder, 'link')),
    writeFile(join(folder, 'full', 'foreign'), 'x'),
    writeFile(join(folder, 'token'), `${SECRET.slice(0, 20)}\n`),
  ]);
  const roots = ['file', 'file/x', 'link', 'full', `${'x'.repeat(300)}/y`].map((name) => join(folder, name));
  return [
    ...[...roots, '/proc/x', '/dev/null'].map((root) => ({ SESSION_STORAGE_PATH: root })),
    ...['80x', '-1', '65536', ' ', '0x50', '1e3'].map((port) => ({ PORT: port })),
    ...['koa', 'EXPRESS', '__proto__'].map((adapter) => ({ HTTP_ADAPTER: adapter })),
    ...['true', '0', 'loopback', '::/zz', '1.2.3.4/99', 'a'.repeat(5000)].map((trust) => ({
      TRUST_PROXY: trust,
    })),
    ...['192.0.2.1', '[::1', 'no such host', '\u001b[2J'].map((host) => ({ HOST: host })),
    ...[
      SECRET.slice(0, 31),
      `${SECRET},short`,
      `${SECRET} ${SECRET}`,
      `${SECRET}\u00fc`,
      'x'.repeat(40),
      ',',
    ].map((token) => ({ ADMIN_TOKEN: token })),
    { ADMIN_TOKEN_FILE: '/nowhere' },
    { ADMIN_TOKEN_FILE: folder },
    { ADMIN_TOKEN_FILE: join(folder, 'token') },
    { MAX_SESSION_IDLE_TIME: '7200', MAX_SESSION_DURATION: '60' },
    Object.fromEntries(Object.values(ENVIRONMENT).map((name) => [name, '\u001b[2J'])),
  ];
}

async function boot(environment: Environment, context: CampaignContext): Promise<void> {
  const fault = (what: string): void =>
    context.violation(`start with ${JSON.stringify(environment).slice(0, 300)}: ${what}`);
  const child = spawn(process.execPath, ['dist/main.js'], {
    cwd: ROOT,
    env: {
      PATH: process.env['PATH'],
      HOME: process.env['HOME'],
      PORT: '0',
      NO_COLOR: '1',
      SESSION_MIN_FREE_BYTES: '0',
      SESSION_BALLAST_BYTES: '0',
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
    timeout: WITHIN_MS,
    killSignal: 'SIGKILL',
  });
  let said = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      said += text;
      if (said.includes('Listening on')) child.kill('SIGTERM');
    });
  }
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve));
  if (code === null) return fault(`killed, or not done in ${WITHIN_MS / 1000} s: ${said.slice(0, 300)}`);
  if (code !== 0 && code !== 1) fault(`it left ${code}: ${said.slice(0, 300)}`);
  if (code === 1 && said.trim() === '') fault('it left without a word');
  if (STACK.test(said)) fault(`a stack trace: ${said.slice(0, 600)}`);
  if (said.includes(SECRET.slice(0, 20))) fault('the message repeats a secret');
  if (/[^\P{C}\n]/u.test(said)) fault(`a control character: ${JSON.stringify(said.slice(0, 300))}`);
  if (said.length > MOST_OF_A_SETTING * Object.values(ENVIRONMENT).length) fault(`${said.length} characters`);
}

import { randomBytes } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { inspect } from 'node:util';
import { resolveConfig } from 'nest-sessions';
import { createClient, RESP_TYPES } from 'redis';
import { RedisSessionStore } from 'nest-sessions/redis';
import { ManualClock } from 'nest-sessions/testing';
import { SessionsCore } from '#sessions/core/core';
import { MemoryFileStorage } from '#sessions/storage/memory/memory-file-storage';
import { MemoryStorageRoot } from '#sessions/storage/memory/memory-storage-root';
import { RedisServer } from '../../support/redis-servers.ts';
import { CLIENT } from '../bad-input/small-core.ts';
import type { CampaignContext } from '../campaign.ts';
import { Canaries, type Place } from './canaries.ts';

const SESSIONS = 20;
const TIMEOUT_MS = 500;

/**
 * Looks for the password of Redis in errors and logs, and in Redis and its dump for session tokens and for users who were forgotten.
 * How many places.
 */
export async function huntInRedis(context: CampaignContext): Promise<number> {
  const password = randomBytes(24).toString('base64url');
  const redis = await RedisServer.start(['--rdbcompression', 'no']);
  await redis.command('CONFIG', 'SET', 'requirepass', password);
  try {
    const url = (pass: string, port = redis.port): string => `redis://default:${pass}@127.0.0.1:${port}`;
    const served = await serve(url(password));
    const places: Place[] = [...served.places];
    const tries = {
      'a port where nobody listens': url(password, 1),
      'a wrong password': url(`${password}x`),
      'a port that is none': `redis://default:${password}@127.0.0.1:port`,
      'another scheme': `http://default:${password}@127.0.0.1:${redis.port}`,
      'no address': `redis://default:${password}@`,
      'a cluster that is none': [url(password), url(password, 1)],
    };
    for (const [what, given] of Object.entries(tries)) places.push(...(await failWith(what, given)));
    const canaries = new Canaries(served.tokens, [password]);
    for (const place of places) {
      const found = canaries.findIn(place);
      if (found !== null) context.violation(`a secret in ${place.name}: ${JSON.stringify(found)}`);
      if (!canaries.wouldFindIn(place, context.random()))
        context.violation(`a secret planted in ${place.name} was not found`);
    }
    const forgotten = new Canaries([], served.forgotten);
    for (const place of served.places.filter(({ isInMemory }) => !isInMemory)) {
      const found = forgotten.findIn(place);
      if (found !== null) context.violation(`a forgotten user in ${place.name}: ${JSON.stringify(found)}`);
    }
    const [, dump] = served.places;
    if (!served.kept.every((user) => dump?.bytes.includes(user)))
      context.violation('the dump of Redis does not have the users who are there');
    return places.length;
  } finally {
    await redis.stop();
  }
}

interface Served {
  readonly places: readonly (Place & { readonly isInMemory?: boolean })[];
  readonly tokens: readonly string[];
  /** Users who were forgotten, and those with live sessions. */
  readonly forgotten: readonly string[];
  readonly kept: readonly string[];
}

/** What a server leaves in Redis, and in its log. */
async function serve(url: string): Promise<Served> {
  const lines: string[] = [];
  const note = (line: string): void => void lines.push(line);
  const store = new RedisSessionStore({ url });
  const core = new SessionsCore({
    config: resolveConfig({ openRate: 0, maxUnconfirmedPerNetwork: 0, maxSessionsPerNetwork: 0 }, {}),
    store,
    storage: new MemoryFileStorage(),
    storageRoot: new MemoryStorageRoot(),
    clock: new ManualClock(),
    role: 'server',
    logFor: () => ({ debug: note, log: note, warn: note, error: note }),
  });
  await core.start();
  const tokens: string[] = [];
  const [forgotten, kept]: [string[], string[]] = [[], []];
  for (let number = 0; number < SESSIONS; number += 1) {
    const opening = await core.service.open(CLIENT);
    if (opening.kind !== 'opened') throw new Error(`no session: ${opening.reason}`);
    tokens.push(opening.token.reveal());
    const user = `w${randomBytes(12).toString('hex')}`;
    tokens.push((await core.service.login(opening.session, user)).reveal());
    if (number % 2 === 0) tokens.push((await core.service.regenerate(opening.session)).reveal());
    if (number % 3 === 0) await core.service.end(opening.session);
    if (number % 3 < 2) {
      await core.service.forget(user);
      forgotten.push(user);
    } else kept.push(user);
  }
  const held = await contentsOf(url);
  const dump = await dumpOf(url);
  const shown = inspect([core, store], { depth: 12, showHidden: true });
  await core.quiesce();
  await core.stop();
  return {
    tokens,
    forgotten,
    kept,
    places: [
      { name: 'Redis', bytes: held, isStore: true },
      { name: 'the dump of Redis', bytes: dump, isStore: true },
      { name: 'the log of a server on Redis', bytes: Buffer.from(lines.join('\n')) },
      { name: 'the store, printed', bytes: Buffer.from(shown), isStore: true, isInMemory: true },
    ],
  };
}

/** All that lies in Redis, and what it logs of those who work with it. */
async function contentsOf(url: string): Promise<Buffer> {
  const client = createClient({ url });
  await client.connect();
  try {
    const keys = (await client.sendCommand(['KEYS', '*'])) as unknown as string[];
    const raw = client.withTypeMapping({ [RESP_TYPES.BLOB_STRING]: Buffer });
    const values = await Promise.all(keys.map((key) => raw.sendCommand(['DUMP', key])));
    return Buffer.concat([
      Buffer.from(keys.join('\n')),
      ...values.map((value) => Buffer.from(value as unknown as Buffer)),
    ]);
  } finally {
    client.destroy();
  }
}

/** The file that Redis writes, byte by byte: it is not compressed. */
async function dumpOf(url: string): Promise<Buffer> {
  const client = createClient({ url });
  await client.connect();
  try {
    await client.sendCommand(['SAVE']);
    const { dir = '', dbfilename = '' } = await client.configGet(['dir', 'dbfilename']);
    return await readFile(join(dir, dbfilename));
  } finally {
    client.destroy();
  }
}

/** What somebody reads whose store cannot be used: the error with all its causes, as text, printed, and as JSON. */
async function failWith(what: string, url: string | string[]): Promise<Place[]> {
  const shown: string[] = [];
  try {
    await new RedisSessionStore({ url, timeoutMs: TIMEOUT_MS }).connect();
    throw new Error(`Redis was reached with ${what}.`);
  } catch (error) {
    for (let cause: unknown = error; cause instanceof Error; cause = cause.cause)
      shown.push(
        String(cause),
        cause.stack ?? '',
        inspect(cause, { depth: 12, showHidden: true }),
        JSON.stringify(cause),
      );
  }
  return [{ name: `the error at ${what}`, bytes: Buffer.from(shown.join('\n')) }];
}

import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SessionsOptions } from 'nest-sessions';
import { RedisServer } from '../../support/redis-servers.ts';
import { FlakyProxy } from './flaky-proxy.ts';

/** The most that one session counts for. */
export const OWN = { maxResources: 12, maxBytes: 120_000 };

/** What a user counts for: by the sums of the store, and added up from the records of the sessions. */
export interface Seen {
  readonly counted: Sums;
  readonly summed: Sums;
}

export interface Sums {
  readonly sessions: number;
  readonly resources: number;
  readonly bytes: number;
}

/** Where many processes share their sessions. */
export interface Ground {
  readonly name: string;
  readonly options: SessionsOptions;
  /** Looks at a user, in one moment. */
  look(userId: string): Promise<Seen>;
  /** What was wrong on the way to the store. */
  tell(): string;
  close(): Promise<void>;
}

const OF_ROWS = `
  SELECT count(*) AS sessions,
    total(min(resource_count - stream_count + incoming_count, ${OWN.maxResources})) AS resources,
    total(min(bytes_used + incoming_bytes, ${OWN.maxBytes})) AS bytes
  FROM sessions WHERE state = 'open' AND user_id = ?`;

export async function onSqlite(folder: string): Promise<Ground> {
  const root = join(folder, 'sqlite');
  await mkdir(root, { recursive: true, mode: 0o700 });
  let db: DatabaseSync | null = null;
  return {
    name: 'SQLite',
    options: { store: 'sqlite', storagePath: root },
    async look(userId) {
      db ??= new DatabaseSync(join(root, 'sessions.db'), { readOnly: true, timeout: 10_000 });
      db.exec('BEGIN');
      try {
        const summed = db.prepare(OF_ROWS).get(userId);
        const counted = db.prepare('SELECT * FROM budgets WHERE key = ?').get(`user:${userId}`);
        return { counted: sumsOf(counted), summed: sumsOf(summed) };
      } finally {
        db.exec('COMMIT');
      }
    },
    tell: () => '',
    async close() {
      db?.close();
    },
  };
}

const LOOK = `
local sessions, resources, bytes = 0, 0, 0
for _, key in ipairs(redis.call('KEYS', 'nest-sessions:{*}:sessions:*')) do
  local session = cjson.decode(redis.call('GET', key))
  if session.state == 'open' and session.userId == ARGV[1] then
    sessions = sessions + 1
    resources = resources + math.min(session.resourceCount - session.streamCount + session.incomingCount, ${OWN.maxResources})
    bytes = bytes + math.min(session.bytesUsed + session.incomingBytes, ${OWN.maxBytes})
  end
end
local counted = redis.call('HMGET', 'nest-sessions:budgets:user:' .. ARGV[1], 'sessions', 'resources', 'bytes')
return { sessions, resources, bytes, tonumber(counted[1] or 0), tonumber(counted[2] or 0), tonumber(counted[3] or 0) }
`;

export async function onRedis(folder: string, random: () => number): Promise<Ground> {
  const server = await RedisServer.start();
  const proxy = await FlakyProxy.to(server.url, random);
  return {
    name: 'Redis',
    options: { redisUrls: [proxy.url], storagePath: join(folder, 'redis') },
    async look(userId) {
      const found = (await server.command('EVAL', LOOK, '0', userId)) as number[];
      const sums = (from: number): Sums =>
        sumsOf({ sessions: found[from], resources: found[from + 1], bytes: found[from + 2] });
      return { summed: sums(0), counted: sums(3) };
    },
    tell: () => `${proxy.late} answers came late, ${proxy.lost} were lost`,
    async close() {
      await proxy.close();
      await server.stop();
    },
  };
}

function sumsOf(row: Readonly<Record<string, unknown>> | undefined): Sums {
  const { sessions = 0, resources = 0, bytes = 0 } = row ?? {};
  return { sessions: Number(sessions), resources: Number(resources), bytes: Number(bytes) };
}

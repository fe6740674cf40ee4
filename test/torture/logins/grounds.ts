import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { SessionsOptions } from 'nest-sessions';
import { RedisServer } from '../../support/redis-servers.ts';
import { packed } from '../processes/database.ts';

/** Where two processes share their sessions. */
export interface Ground {
  readonly name: string;
  readonly options: SessionsOptions;
  /** Keeps a session as it is; what is answered puts the store back to it, as a restored backup or a failover does. */
  keep(sessionId: string): Promise<() => Promise<void>>;
  close(): Promise<void>;
}

export async function onSqlite(folder: string): Promise<Ground> {
  const root = join(folder, 'sqlite');
  await mkdir(root, { recursive: true, mode: 0o700 });
  let db: DatabaseSync | null = null;
  const database = (): DatabaseSync => {
    db ??= new DatabaseSync(join(root, 'sessions.db'), { timeout: 10_000 });
    return db;
  };
  return {
    name: 'SQLite',
    options: { store: 'sqlite', storagePath: root },
    async keep(sessionId) {
      const id = packed(sessionId);
      const row = database().prepare('SELECT key, token_hash, user_id FROM sessions WHERE id = ?').get(id);
      if (!row) throw new Error('There is no session to keep');
      return async () => {
        database().exec('BEGIN IMMEDIATE');
        database()
          .prepare('DELETE FROM replaced_tokens WHERE session_key = ?')
          .run(row['key'] ?? null);
        database()
          .prepare('UPDATE sessions SET token_hash = ?, user_id = ? WHERE key = ?')
          .run(row['token_hash'] ?? null, row['user_id'] ?? null, row['key'] ?? null);
        database().exec('COMMIT');
      };
    },
    async close() {
      db?.close();
    },
  };
}

/** The record of before, and its token in the place of the one that it has by now. */
const PUT_BACK = `
local id, raw = ARGV[1], ARGV[2]
local now, before = cjson.decode(redis.call('GET', KEYS[1] .. id)), cjson.decode(raw)
redis.call('DEL', KEYS[2] .. now.tokenHash)
redis.call('SET', KEYS[2] .. before.tokenHash, id)
for _, hash in ipairs(now.replaced or {}) do redis.call('HDEL', KEYS[3], hash) end
before.change = now.change
redis.call('SET', KEYS[1] .. id, cjson.encode(before), 'KEEPTTL')
`;

export async function onRedis(folder: string): Promise<Ground> {
  const server = await RedisServer.start();
  const keysOf = async (sessionId: string): Promise<string[]> => {
    const buckets = Number(await server.command('HGET', 'nest-sessions:store', 'buckets'));
    const bucket = Number.parseInt(sessionId.slice(0, 3), 16) % buckets;
    return ['sessions:', 'tokens:', 'replaced'].map((key) => `nest-sessions:{${bucket}}:${key}`);
  };
  return {
    name: 'Redis',
    options: { redisUrls: [server.url], storagePath: join(folder, 'redis') },
    async keep(sessionId) {
      const keys = await keysOf(sessionId);
      const raw = String(await server.command('GET', `${keys[0]}${sessionId}`));
      return async () => {
        await server.command('EVAL', PUT_BACK, '3', ...keys, sessionId, raw);
      };
    },
    close: () => server.stop(),
  };
}

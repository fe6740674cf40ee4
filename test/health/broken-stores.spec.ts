import { link, open, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { Controller, Get, Inject, Module } from '@nestjs/common';
import { HealthCheck, HealthCheckService, TerminusModule } from '@nestjs/terminus';
import {
  Cleanup,
  CurrentSession,
  SessionService,
  SkipSession,
  type Session,
  type SessionsModuleOptions,
} from 'nest-sessions';
import { SessionStore } from 'nest-sessions/store';
import { SessionsHealthIndicator, SessionsHealthModule } from 'nest-sessions/health';
import { ManualClock } from 'nest-sessions/testing';
import { startApp, type RunningApp } from '../support/http-app.js';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';
import { eventually } from '../support/eventually.js';
import { RedisServer } from '../support/redis-servers.js';

@Controller()
class HealthController {
  constructor(
    @Inject(HealthCheckService) private readonly health: HealthCheckService,
    @Inject(SessionsHealthIndicator) private readonly sessions: SessionsHealthIndicator,
  ) {}

  @Get('health')
  @SkipSession()
  @HealthCheck()
  check() {
    return this.health.check([() => this.sessions.isHealthy()]);
  }

  @Get('session')
  session(@CurrentSession() session: Session) {
    return { id: session.id };
  }
}

@Module({ imports: [TerminusModule, SessionsHealthModule], controllers: [HealthController] })
class HealthModule {}

let clock: ManualClock;
let running: RunningApp;
const closing: (() => Promise<unknown>)[] = [];

async function start(options: SessionsModuleOptions = {}): Promise<RunningApp> {
  clock = new ManualClock();
  running = await startApp('fastify', {
    imports: [HealthModule],
    options: { ...options, adapters: { clock, ...options.adapters } },
  });
  closing.push(() => running.close());
  return running;
}

afterEach(async () => {
  for (const close of closing.splice(0).toReversed()) await close();
});

/** The answer after the cached one has expired: the status, and what the store is said to be. */
async function health(): Promise<[status: number, store: string, cleanup: string]> {
  clock.advance(1000);
  const response = await fetch(`${running.url}/health`);
  const body = (await response.json()) as { details: { sessions: { store: string; cleanup: string } } };
  return [response.status, body.details.sessions.store, body.details.sessions.cleanup];
}

async function newClient(): Promise<number> {
  return (await fetch(`${running.url}/session`)).status;
}

function sqlite<Answer>(path: string, work: (db: DatabaseSync) => Answer): Answer {
  const db = new DatabaseSync(path, { timeout: 5000 });
  try {
    return work(db);
  } finally {
    db.close();
  }
}

const UP = [200, 'ok', 'ok'];

describe('Health of a server beside one of another version', () => {
  function newerStore(): SqliteSessionStore {
    return new SqliteSessionStore({ path: join(running.storagePath, 'sessions.db') }, [
      'CREATE TABLE planted (id)',
    ]);
  }

  it('is down until the older one is gone, and every request gets 503 with Retry-After', async () => {
    const older = await start({ store: 'sqlite' });
    expect(await newClient()).toBe(200);
    await start({ storagePath: older.storagePath, adapters: { store: newerStore() } });
    expect(await health()).toEqual([503, 'older', 'unknown']);
    const refused = await fetch(`${running.url}/session`);
    expect([refused.status, refused.headers.get('retry-after')]).toEqual([503, '5']);
    expect(await refused.json()).toMatchObject({ code: 'STORE_INCOMPATIBLE' });
    await older.app.close();
    await eventually('it serves', async () => (await newClient()) === 200);
    expect(await health()).toEqual(UP);
  });

  it('is down when a newer one has taken the store over, and every request gets 503', async () => {
    await start({ store: 'sqlite' });
    expect(await newClient()).toBe(200);
    const beats = await running.app.get(SessionStore).fleet.listProcesses();
    const store = newerStore();
    await store.connect(beats.map((beat) => ({ ...beat, at: Number.MAX_SAFE_INTEGER })));
    await store.close();
    expect(await newClient()).toBe(503);
    expect(await health()).toEqual([503, 'newer', 'unknown']);
  });
});

describe('Health of a server on SQLite', () => {
  function database(): string {
    return join(running.storagePath, 'sessions.db');
  }

  it('is down when a page of its database is damaged, before the first client gets a 503', async () => {
    const { storagePath } = await start({ store: 'sqlite' });
    closing.push(() => rm(storagePath, { recursive: true, force: true }));
    expect(await newClient()).toBe(200);
    await running.app.close();
    const [page, size] = sqlite(database(), (db) => [
      Number(
        db.prepare(`SELECT rootpage FROM sqlite_schema WHERE name = 'sessions_created'`).get()?.['rootpage'],
      ),
      Number(db.prepare('PRAGMA page_size').get()?.['page_size']),
    ]);
    const file = await open(database(), 'r+');
    await file.write(Buffer.alloc(size, 0xa5), 0, size, (page - 1) * size);
    await file.close();

    await start({ storagePath });
    expect(await health()).toEqual([503, 'damaged', 'ok']);
    expect(await newClient()).toBe(503);
    expect(await health()).toEqual([503, 'damaged', 'ok']);
  });

  it('is down when its database is deleted, refuses new sessions, and writes nothing into the deleted file', async () => {
    await start({ store: 'sqlite' });
    expect(await newClient()).toBe(200);
    expect(await health()).toEqual(UP);
    const kept = `${database()}.kept`;
    await link(database(), kept);
    await rm(database());
    expect(await newClient()).toBe(503);
    expect(await health()).toEqual([503, 'deleted', 'unknown']);
    await rename(kept, database());
    expect(await newClient()).toBe(200);
    expect(await health()).toEqual(UP);
    expect((await running.app.get(SessionService).totals()).created).toBe(2);
  });

  it('is down when another database is at its place, and writes to neither', async () => {
    await start({ store: 'sqlite' });
    expect(await newClient()).toBe(200);
    const own = `${database()}.own`;
    await rename(database(), own);
    sqlite(database(), (db) => db.exec('CREATE TABLE other (id)'));
    expect(await newClient()).toBe(503);
    expect(await health()).toEqual([503, 'replaced', 'unknown']);
    await rename(own, database());
    expect(await health()).toEqual(UP);
  });

  it('is down when every end is refused, and up again when one succeeds', async () => {
    await start({ store: 'sqlite', cleanupIntervalSeconds: 60 });
    expect(await newClient()).toBe(200);
    const cleanup = running.app.get(Cleanup);
    sqlite(database(), (db) =>
      db.exec(
        `CREATE TRIGGER refuse BEFORE UPDATE OF state ON sessions BEGIN SELECT RAISE(ABORT, 'no'); END`,
      ),
    );
    for (let minute = 0; minute < 4; minute += 1) {
      clock.advance(60_000);
      for (const job of ['idle', 'expired', 'orphans'] as const) await cleanup.run(job);
    }
    expect(await health()).toEqual([503, 'ok', 'overdue']);
    sqlite(database(), (db) => db.exec('DROP TRIGGER refuse'));
    await cleanup.run('idle');
    expect(await health()).toEqual(UP);
  });
});

describe('Health of a server on Redis', () => {
  let redis: RedisServer;

  beforeEach(async () => {
    redis = await RedisServer.start();
    closing.push(() => redis.stop());
    await start({ redisUrls: [redis.url] });
  });

  it.each([
    [
      'too few replicas',
      ['CONFIG', 'SET', 'min-replicas-to-write', '1'],
      ['CONFIG', 'SET', 'min-replicas-to-write', '0'],
    ],
    ['out of memory', ['CONFIG', 'SET', 'maxmemory', '1'], ['CONFIG', 'SET', 'maxmemory', '0']],
    ['a replica', ['REPLICAOF', '127.0.0.1', '1'], ['REPLICAOF', 'NO', 'ONE']],
  ])('is down while Redis reads but refuses writes: %s', async (_why, refuse, accept) => {
    expect(await newClient()).toBe(200);
    expect(await health()).toEqual(UP);
    await redis.command(...refuse);
    expect(await newClient()).toBe(503);
    expect(await health()).toEqual([503, 'refused', 'ok']);
    await redis.command(...accept);
    expect(await newClient()).toBe(200);
    expect(await health()).toEqual(UP);
  });
});

import { type ChildProcess, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { DatabaseSync, type StatementSync } from 'node:sqlite';
import { setImmediate as nextTurn } from 'node:timers/promises';
import threads from 'node:worker_threads';
import { authorityOf } from '#sessions/domain/session';
import { hasCode } from '#sessions/domain/errors';
import { REPEATED_MS } from '#sessions/ports/data';
import { SESSION_SORTS } from '#sessions/ports/sessions';
import { openDatabase, refuseOldSqlite } from '#sessions/stores/sqlite/database/sqlite.database';
import { SqliteListing } from '#sessions/stores/sqlite/operations/listing';
import { sqliteOperations } from '#sessions/stores/sqlite/sqlite.operations';
import {
  SqliteSessionStore,
  type SqliteSessionStoreOptions,
} from '#sessions/stores/sqlite/sqlite-session-store';
import {
  anEnd,
  LIMITS,
  MANY,
  newResource,
  newSession,
  NOW,
  opened,
} from '#sessions/testing/store/store.fixtures';

const PROCESS = join(__dirname, 'support/store-process.mjs');

let folder: string;
let path: string;
let stores: SqliteSessionStore[];
let children: ChildProcess[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
  path = join(folder, 'data', 'sessions.db');
  stores = [];
  children = [];
});

afterEach(async () => {
  for (const child of children) child.kill('SIGKILL');
  await Promise.all(stores.map((store) => store.close()));
  await rm(folder, { recursive: true });
});

function storeAt(options: Partial<SqliteSessionStoreOptions> = {}): SqliteSessionStore {
  const store = new SqliteSessionStore({ path, ...options });
  stores.push(store);
  return store;
}

async function connected(options: Partial<SqliteSessionStoreOptions> = {}): Promise<SqliteSessionStore> {
  const store = storeAt(options);
  await store.connect();
  return store;
}

function start(...args: string[]): ChildProcess {
  const child = spawn('sh', ['-c', 'umask 0; exec "$0" "$@"', process.execPath, PROCESS, ...args], {
    stdio: ['pipe', 'pipe', 'inherit'],
  });
  children.push(child);
  return child;
}

/** The lines of a child that exited by itself with code 0. */
async function linesOf(child: ChildProcess): Promise<string[]> {
  const leaving = once(child, 'close');
  const lines: string[] = [];
  if (child.stdout !== null) for await (const line of createInterface(child.stdout)) lines.push(line);
  expect((await leaving)[0]).toBe(0);
  return lines;
}

async function codeOf(promise: Promise<unknown>): Promise<unknown> {
  const error: unknown = await promise.then(
    () => null,
    (reason: unknown) => reason,
  );
  return error instanceof Error && 'code' in error ? error.code : error;
}

function modeOf(file: string): string {
  return (statSync(file).mode & 0o777).toString(8);
}

/** A foreign database, created by `sql`. */
function databaseWith(sql: string): void {
  mkdirSync(join(folder, 'data'), { recursive: true });
  const db = new DatabaseSync(path);
  db.exec(sql);
  db.close();
}

/** Opens sessions until one is rejected; answers the code. */
async function fill(store: SqliteSessionStore): Promise<unknown> {
  for (let batch = 0; batch < 100; batch += 1) {
    const answers = Array.from({ length: 50 }, () => store.sessions.open(newSession(), MANY));
    // oxlint-disable-next-line no-await-in-loop -- the disk fills step by step
    const refused = (await Promise.all(answers.map(codeOf))).find((code) => code !== null);
    if (refused !== undefined) return refused;
  }
  return null;
}

/** Leaves space for a few sessions, and a table that can be dropped. */
async function nearlyFull(onDiskFull?: () => Promise<void>): Promise<SqliteSessionStore> {
  await (await connected()).close();
  databaseWith('CREATE TABLE ballast AS SELECT zeroblob(400000) AS weight');
  return connected({ maxBytes: 700_000, ...(onDiskFull === undefined ? {} : { onDiskFull }) });
}

describe('Two stores on one file', () => {
  it('together admit no more sessions than the limit', async () => {
    const [one, two] = [await connected(), await connected()];
    const session = await opened(one);
    const answers = await Promise.all(
      Array.from({ length: 64 }, (_, index) =>
        (index % 2 === 0 ? one : two).resources.reserve(newResource(session.id), null, {
          ...LIMITS,
          maxResources: 10,
        }),
      ),
    );
    expect(answers.filter((answer) => answer === 'reserved')).toHaveLength(10);
    expect((await two.sessions.find(session.id))?.incomingCount).toBe(10);
  });

  it('give each end to one caller', async () => {
    const [one, two] = [await connected(), await connected()];
    const session = await opened(one);
    const records = await Promise.all(
      [one, two, one, two].map((store) => store.endings.beginEnd(session.id, anEnd())),
    );
    expect(records.filter((record) => record !== null)).toHaveLength(1);
  });

  it('see the changes of the others', async () => {
    const [one, two] = [await connected(), await connected()];
    const { position } = await two.feed.read(null, 10);
    const session = await opened(one);
    await one.endings.beginEnd(session.id, anEnd());
    const { changes } = await two.feed.read(position, 10);
    expect(changes).toEqual([
      {
        id: session.id,
        state: 'ending',
        endReason: 'ended',
        authority: authorityOf(session.tokenHash),
        keptAuthorities: [],
        otherAddress: null,
        userId: null,
        nodes: [],
      },
    ]);
  });

  it('have the same generation', async () => {
    const [one, two] = [storeAt(), storeAt()];
    await Promise.all([one.connect(), two.connect()]);
    expect(await one.ledger.identity()).toEqual(await two.ledger.identity());
  });
});

describe('Writes of data', () => {
  it('are forgotten when no repeat comes any more, with the next write or cleanup', async () => {
    const store = await connected();
    const { id } = await opened(store);
    const write = async (at: number): Promise<void> => {
      const operation = randomUUID();
      const limits = { maxBytes: 100, maxKeys: 1 };
      const changes = [{ key: 'n', json: '1' }];
      expect(await store.data.write(id, null, { operation, at, changes, limits })).toBe('done');
    };
    const known = (): unknown => {
      const db = new DatabaseSync(path);
      const count = db.prepare('SELECT count(*) AS writes FROM data_writes').get()?.['writes'];
      db.close();
      return count;
    };
    for (let n = 0; n < 5; n += 1) await write(NOW);
    await write(NOW + REPEATED_MS - 1);
    expect(known()).toBe(6);
    await write(NOW + REPEATED_MS);
    expect(known()).toBe(2);
    await store.endings.dropTombstones(NOW + 2 * REPEATED_MS, 10);
    expect(known()).toBe(0);
  });
});

describe('Several processes', () => {
  it('can start concurrently on a missing database', async () => {
    const lines = await Promise.all(Array.from({ length: 4 }, () => linesOf(start('open', path))));
    const store = await connected({ mustExist: true });
    expect(await store.ledger.totals()).toMatchObject({ created: 4, open: 4 });
    const found = await Promise.all(lines.flat().map((id) => store.sessions.find(id)));
    expect(found.filter((session) => session !== null)).toHaveLength(4);
    expect(readdirSync(join(folder, 'data')).filter((name) => !name.startsWith('sessions.db'))).toEqual([]);
  });

  it('together admit no more sessions than the limit', async () => {
    const store = await connected();
    const session = await opened(store);
    const counts = await Promise.all(
      Array.from({ length: 3 }, () => linesOf(start('reserve', path, session.id, '50'))),
    );
    expect(counts.flat().reduce((sum, count) => sum + Number(count), 0)).toBe(50);
    expect((await store.sessions.find(session.id))?.incomingCount).toBe(50);
  });

  it('lose no acknowledged write when one is killed', async () => {
    const child = start('load', path);
    const acknowledged: string[] = [];
    if (child.stdout === null) throw new Error('The child has no output');
    for await (const line of createInterface(child.stdout)) {
      acknowledged.push(line);
      if (acknowledged.length === 300) child.kill('SIGKILL');
    }
    const store = await connected({ mustExist: true });
    const found = await Promise.all(
      acknowledged
        .map((line) => line.split(' '))
        .map(async ([sessionId = '', resourceId = '']) => [
          (await store.sessions.find(sessionId))?.incomingCount,
          (await store.resources.find(resourceId))?.state,
        ]),
    );
    expect(found.length).toBeGreaterThanOrEqual(300);
    expect(new Set(found.map(String))).toEqual(new Set(['1,writing']));
    const totals = await store.ledger.totals();
    expect(totals.open).toBeGreaterThanOrEqual(acknowledged.length);
    expect(totals.open).toBe(
      (await store.sessions.list({ limit: 100_000, sort: 'created_at' })).sessions.length,
    );
    await store.close();
    const db = new DatabaseSync(path);
    expect(db.prepare('PRAGMA integrity_check').get()).toEqual({ integrity_check: 'ok' });
    expect(db.prepare('PRAGMA foreign_key_check').all()).toEqual([]);
    db.close();
  });

  it('finish accepted calls before they close', async () => {
    expect(await linesOf(start('close', path))).toEqual(['opened']);
  });

  it('exit when they are idle, even without closing the store', async () => {
    expect(await linesOf(start('open', path))).toHaveLength(1);
  });
});

describe('The database files', () => {
  it('are private to their user, whatever the umask', async () => {
    const child = start('stay', path);
    if (child.stdout === null) throw new Error('The child has no output');
    await once(child.stdout, 'data');
    expect(modeOf(join(folder, 'data'))).toBe('700');
    for (const name of ['sessions.db', 'sessions.db-wal', 'sessions.db-shm']) {
      expect([name, modeOf(join(folder, 'data', name))]).toEqual([name, '600']);
    }
    child.stdin?.end();
    await once(child, 'close');
  });

  it('become private again if they were not', async () => {
    await (await connected()).close();
    chmodSync(path, 0o644);
    await connected();
    expect(modeOf(path)).toBe('600');
  });

  it('lose, at the next start, drafts of a process that died while creating them', async () => {
    mkdirSync(join(folder, 'data'));
    for (const name of [`sessions.db.${randomUUID()}`, 'sessions.db.backup']) {
      writeFileSync(join(folder, 'data', name), '');
    }
    await (await connected()).close();
    expect(readdirSync(join(folder, 'data')).toSorted()).toEqual(['sessions.db', 'sessions.db.backup']);
  });

  it('are not created if they must exist', async () => {
    expect(await codeOf(storeAt({ mustExist: true }).connect())).toBe('STORE_UNAVAILABLE');
    expect(existsSync(join(folder, 'data'))).toBe(false);
  });

  it('are not filled if they must exist and are empty', async () => {
    mkdirSync(join(folder, 'data'));
    writeFileSync(path, '');
    expect(await codeOf(storeAt({ mustExist: true }).connect())).toBe('STORE_UNAVAILABLE');
    expect(statSync(path).size).toBe(0);
  });

  it('that are not a database are refused and unchanged', async () => {
    mkdirSync(join(folder, 'data'));
    writeFileSync(path, 'this is a letter, '.repeat(400));
    const store = storeAt();
    await expect(store.connect()).rejects.toMatchObject({
      code: 'STORE_INCOMPATIBLE',
      message: expect.stringContaining('restore it from a backup'),
    });
    expect(readFileSync(path, 'utf8')).toBe('this is a letter, '.repeat(400));
  });

  it('of another application are refused', async () => {
    databaseWith('CREATE TABLE recipes (title TEXT)');
    expect(await codeOf(storeAt().connect())).toBe('STORE_INCOMPATIBLE');
  });

  it('of a newer version are refused', async () => {
    await (await connected()).close();
    databaseWith('PRAGMA user_version = 999');
    await expect(storeAt().connect()).rejects.toMatchObject({
      code: 'STORE_INCOMPATIBLE',
      message: expect.stringContaining('update'),
    });
  });

  it('that cannot be opened are reported, and used once they can', async () => {
    mkdirSync(path, { recursive: true });
    const store = storeAt();
    expect(await codeOf(store.connect())).toBe('STORE_UNAVAILABLE');
    await rm(path, { recursive: true });
    await store.connect();
    await opened(store);
  });
});

describe('A folder that cannot be created', () => {
  it('rejects connect at once, instead of looping forever', async () => {
    const store = new SqliteSessionStore({ path: '/proc/none/sessions.db' });
    expect(await codeOf(store.connect())).toBe('STORE_UNAVAILABLE');
    await store.close();
  });
});

describe('SQLite', () => {
  it.each(['3.51.2', '3.50.9', '2.99.0', 'none'])('%s is refused', (version) => {
    expect(() => refuseOldSqlite(version)).toThrow(/update Node.js/);
  });

  it.each(['3.51.3', '3.51.10', '3.52.0', '4.0.0'])('%s is accepted', (version) => {
    expect(() => refuseOldSqlite(version)).not.toThrow();
  });
});

describe('A store that cannot answer', () => {
  it('rejects writes while another process holds the lock, reads meanwhile, and writes again afterwards', async () => {
    const store = await connected({ busyTimeoutMs: 50 });
    const session = await opened(store);
    const holder = new DatabaseSync(path);
    holder.exec('BEGIN IMMEDIATE');
    await expect(store.sessions.open(newSession(), MANY)).rejects.toMatchObject({
      code: 'STORE_UNAVAILABLE',
      retryAfterSeconds: 1,
      cause: expect.any(Error),
    });
    expect(await store.sessions.find(session.id)).not.toBeNull();
    holder.exec('ROLLBACK');
    holder.close();
    expect(await store.sessions.open(newSession(), MANY)).toBe('opened');
    expect((await store.ledger.totals()).created).toBe(2);
  });

  it('reads while its own writes wait for another process', async () => {
    const store = await connected({ busyTimeoutMs: 60_000 });
    const session = await opened(store);
    const holder = new DatabaseSync(path);
    holder.exec('BEGIN IMMEDIATE');
    const waiting = store.sessions.open(newSession(), MANY);
    await nextTurn();
    expect((await store.sessions.find(session.id))?.state).toBe('open');
    holder.exec('ROLLBACK');
    holder.close();
    expect(await waiting).toBe('opened');
  });

  it('rejects before it is connected', async () => {
    expect(await codeOf(storeAt().sessions.find('x'))).toBe('STORE_UNAVAILABLE');
  });

  describe('because its thread died', () => {
    let started: threads.Worker[];

    beforeEach(() => {
      started = [];
      const { Worker } = threads;
      jest.spyOn(threads, 'Worker').mockImplementation((...args) => {
        const worker = new Worker(...args);
        started.push(worker);
        return worker;
      });
    });

    afterEach(() => jest.restoreAllMocks());

    it('rejects pending calls, and starts a new thread at the next call', async () => {
      const store = await connected({ busyTimeoutMs: 60_000 });
      const session = await opened(store);
      const holder = new DatabaseSync(path);
      holder.exec('BEGIN IMMEDIATE');
      const lost = codeOf(store.sessions.open(newSession(), MANY));
      const killed = started[0]?.terminate();
      holder.close();
      await killed;
      expect(await lost).toBe('STORE_UNAVAILABLE');
      const before = started.length;
      expect(await store.sessions.open(newSession(), MANY)).toBe('opened');
      expect(started).toHaveLength(before + 1);
      expect((await store.sessions.find(session.id))?.id).toBe(session.id);
    });

    it('does not create a new database if the file was deleted meanwhile', async () => {
      const store = await connected();
      await Promise.all(started.map((worker) => worker.terminate()));
      await rm(path);
      expect(await codeOf(store.ledger.totals())).toBe('STORE_UNAVAILABLE');
      expect(await codeOf(store.sessions.open(newSession(), MANY))).toBe('STORE_UNAVAILABLE');
      expect(existsSync(path)).toBe(false);
    });
  });
});

describe('A full disk', () => {
  it('calls onDiskFull once, and retries the failed writes', async () => {
    let told = 0;
    const store = await nearlyFull(async () => {
      told += 1;
      if (told === 1) databaseWith('DROP TABLE ballast');
    });
    const refusal = await fill(store);
    expect(told).toBe(2);
    expect(refusal).toBe('STORE_UNAVAILABLE');
    const totals = await store.ledger.totals();
    expect(totals.open).toBe(
      (await store.sessions.list({ limit: 100_000, sort: 'created_at' })).sessions.length,
    );
    expect(totals.open).toBeGreaterThan(700);
  });

  it('rejects writes without onDiskFull, and still reads', async () => {
    const store = await nearlyFull();
    const session = await opened(store);
    expect(await fill(store)).toBe('STORE_UNAVAILABLE');
    expect((await store.sessions.find(session.id))?.state).toBe('open');
  });

  it('answers reads of the same turn as a rejected write', async () => {
    const store = await nearlyFull();
    const session = await opened(store);
    await fill(store);
    const refused: Promise<unknown>[] = Array.from({ length: 500 }, () =>
      store.sessions.open(newSession(), MANY),
    );
    const found = store.sessions.find(session.id);
    expect(await Promise.all(refused.map(codeOf))).toContain('STORE_UNAVAILABLE');
    expect((await found)?.id).toBe(session.id);
  });

  it('rejects with the cause if onDiskFull fails', async () => {
    const store = await nearlyFull(() => Promise.reject(new Error('the ballast is gone')));
    const refused = await Promise.allSettled(
      Array.from({ length: 5000 }, () => store.sessions.open(newSession(), MANY)),
    );
    const errors: unknown[] = refused.flatMap((each) => (each.status === 'rejected' ? [each.reason] : []));
    expect(errors.length).toBeGreaterThan(0);
    expect(errors.every((error) => hasCode(error, 'STORE_UNAVAILABLE'))).toBe(true);
    expect(errors[0]).toMatchObject({ cause: { message: 'the ballast is gone' } });
  });
});

describe('Every statement', () => {
  /** Records the prepared statements. */
  class NotingDatabase extends DatabaseSync {
    readonly noted: string[] = [];

    override prepare(sql: string): StatementSync {
      this.noted.push(sql.replaceAll(/\s+/g, ' ').trim());
      return super.prepare(sql);
    }

    planOf(sql: string): string {
      const steps = super.prepare(`EXPLAIN QUERY PLAN ${sql}`).all();
      return steps.map((step) => String(step['detail'])).join('; ');
    }
  }

  let db: NotingDatabase;

  /** What a list asks for is prepared at its first call: of the sessions of a user, and of many. */
  function listInEachWay(): void {
    const listing = new SqliteListing(db, { row: () => ({ open: 1_000_000 }) });
    const above = { files: 80, bytes: 80, streams: 16 };
    const filters = [
      {},
      { openedUntil: 1 },
      { userId: 'anna' },
      { idleSince: 1 },
      { bytesAbove: 1 },
      { above },
    ];
    for (const sort of SESSION_SORTS) {
      for (const filter of filters) listing.list({ sort, limit: 10, filter });
    }
  }

  beforeEach(() => {
    openDatabase({ path, mustExist: false, busyTimeoutMs: 1000, maxBytes: null }).close();
    db = new NotingDatabase(path);
    sqliteOperations(db);
    listInEachWay();
  });

  afterEach(() => db.close());

  it('reads sessions, resources and uses by an index, at the cost of its results', () => {
    expect(db.noted.length).toBeGreaterThan(50);
    for (const sql of db.noted) {
      expect(`${sql} → ${db.planOf(sql)}`).not.toMatch(
        /SCAN (sessions|resources|uses|ending_parts|session_data|data_writes|journal|audit)(?! USING (COVERING )?INDEX)/,
      );
    }
  });

  it.each([
    [
      'idle_ends_at >= :afterEnd AND',
      'SEARCH sessions USING INDEX sessions_idle (idle_ends_at>? AND idle_ends_at<?)',
    ],
    [
      'expires_at >= :afterEnd AND',
      'SEARCH sessions USING INDEX sessions_expiry (expires_at>? AND expires_at<?)',
    ],
    ['DELETE FROM sessions WHERE key IN', 'USING INDEX sessions_tombstone (<expr><?)'],
    ['json_group_object', 'SEARCH trends USING PRIMARY KEY (span=? AND at>? AND at<?)'],
    ['FROM trends WHERE span = :span AND at <=', 'SEARCH trends USING PRIMARY KEY (span=? AND at<?)'],
    [
      'ending_parts.leased_until <= :at',
      'SEARCH ending_parts USING COVERING INDEX ending_parts_lease (node_id=? AND leased_until<?)',
    ],
    ['eviction_rank IS NOT NULL ORDER', 'USING INDEX sessions_eviction'],
    ['AND network = :network', 'USING INDEX sessions_network_eviction (network=? AND eviction_rank>?)'],
    [
      'provisional_network = :network',
      'USING INDEX sessions_network (provisional_network=? AND idle_ends_at>?)',
    ],
    ['WHERE change > :since', 'SEARCH sessions USING INDEX sessions_change (change>?)'],
    ['AS idle,', 'SEARCH sessions USING INDEX sessions_idle (idle_ends_at<?)'],
    [
      'WHERE token_hash = :tokenHash',
      'SEARCH sessions USING INDEX sqlite_autoindex_sessions_2 (token_hash=?)',
    ],
    [
      'WHERE replaced_tokens.token_hash = :tokenHash',
      'SEARCH replaced_tokens USING INDEX sqlite_autoindex_replaced_tokens_1 (token_hash=?)',
    ],
    ['WHERE replaced_at <= :before', 'SEARCH replaced_tokens USING COVERING INDEX replaced_tokens_age'],
    ['DELETE FROM data_writes', 'data_writes_age (at<?)'],
    ['FROM session_data WHERE session_key = :session', 'session_data_1 (session_key=?'],
    ['DELETE FROM replaced_tokens WHERE session_key', 'replaced_tokens_session (session_key=? AND key<?)'],
    [
      "resources.state = 'releasing' AND",
      'SEARCH resources USING INDEX resources_releasing (node_id=? AND leased_until<?)',
    ],
    [
      "state = 'open' AND created_at <= :value AND",
      'SEARCH sessions USING INDEX sessions_created (created_at>? AND created_at<?)',
    ],
    [
      "state = 'open' AND last_activity_at >= :value AND",
      'SEARCH sessions USING INDEX sessions_activity (last_activity_at>? AND last_activity_at<?)',
    ],
    ['AND bytes_used > 0 AND bytes_used <= :value AND', 'SEARCH sessions USING INDEX sessions_bytes'],
    [
      "state = 'open' AND user_id = :userId)",
      'SEARCH sessions USING COVERING INDEX sessions_user (user_id=?)',
    ],
    ['WHERE user_hash = :userHash', 'SEARCH sessions USING INDEX sessions_user_hash (user_hash=?)'],
    ['SELECT total(count) AS entries FROM journal', 'USING COVERING INDEX journal_session (session_key=?'],
    [
      'FROM journal WHERE session_key = :session AND class = :class ORDER',
      'journal_session (session_key=? AND class=?)',
    ],
    ['SELECT session_key FROM journal', 'USING COVERING INDEX journal_'],
    ['SELECT journal.key', 'SEARCH journal USING INDEX journal_session (session_key=?)'],
    ['DELETE FROM journal WHERE session_key', 'journal_session (session_key=?)'],
    ['FROM journal INDEXED BY journal_requests', 'USING INDEX journal_requests'],
    ['FROM audit WHERE at >= :from', 'SEARCH audit USING INDEX audit_at (at>? AND at<?)'],
    ['SELECT key FROM audit', 'USING COVERING INDEX audit_at'],
    ['DELETE FROM audit WHERE at', 'audit_at (at<?)'],
  ])('with "%s" uses its index', (fragment, plan) => {
    const statements = db.noted.filter((sql) => sql.includes(fragment));
    expect(statements.length).toBeGreaterThan(0);
    for (const sql of statements) expect(db.planOf(sql)).toContain(plan);
  });
});

import { existsSync, openSync, closeSync, rmSync, statSync, writeFileSync, writeSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import type { RateCount } from '#sessions/domain/rates/rate-count';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';
import { NOW } from '#sessions/testing/store/store.fixtures';

const MINUTE = 60_000;

let folder: string;
let path: string;
let rates: string;
const stores: SqliteSessionStore[] = [];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
  path = join(folder, 'sessions.db');
  rates = `${path}-rates`;
});

afterEach(async () => {
  await Promise.all(stores.splice(0).map((store) => store.close()));
  await rm(folder, { recursive: true });
});

async function connected(): Promise<SqliteSessionStore> {
  const store = new SqliteSessionStore({ path });
  stores.push(store);
  await store.connect();
  return store;
}

function count(store: SqliteSessionStore, key = 'a', at = NOW): Promise<RateCount> {
  return store.rates.count({ key, at, limit: 3, windowMs: MINUTE, blockMs: null });
}

async function passes(store: SqliteSessionStore): Promise<boolean> {
  return (await count(store)).retryAfterMs === null;
}

function keysIn(): number {
  const db = new DatabaseSync(rates, { readOnly: true });
  try {
    return Number(db.prepare('SELECT count(*) AS keys FROM rates').get()?.['keys']);
  } finally {
    db.close();
  }
}

describe('The rates of an SQLite store', () => {
  it('have a private database of their own from the first count on, and leave that of the sessions alone', async () => {
    const store = await connected();
    expect(existsSync(rates)).toBe(false);
    const { mtimeMs, size } = statSync(`${path}-wal`);
    for (let n = 0; n < 100; n += 1) await count(store, `key ${n}`);
    for (const file of [rates, `${rates}-wal`, `${rates}-shm`])
      expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(keysIn()).toBe(100);
    expect(statSync(`${path}-wal`)).toMatchObject({ mtimeMs, size });
  });

  it('outlive the process, and are counted together by all', async () => {
    const [one, other] = [await connected(), await connected()];
    expect([await passes(one), await passes(other), await passes(one), await passes(other)]).toEqual([
      true,
      true,
      true,
      false,
    ]);
    await Promise.all(stores.splice(0).map((store) => store.close()));
    expect(await passes(await connected())).toBe(false);
  });

  it('forget keys of which nothing counts any more', async () => {
    const store = await connected();
    for (let n = 0; n < 50; n += 1) await count(store, `key ${n}`);
    for (let n = 0; n < 25; n += 1) await count(store, 'another', NOW + 130_000);
    expect(keysIn()).toBe(1);
  });

  it.each([
    ['is no database', () => writeFileSync(rates, 'this is no database, whatever its name says'.repeat(100))],
    ['has damaged pages', () => overwrite(rates, 4096)],
  ])('begin anew where what is there %s', async (_what, damage) => {
    const first = await connected();
    for (let n = 0; n < 300; n += 1) await count(first, `key ${n}`.padEnd(200, 'x'));
    await first.close();
    damage();
    const store = await connected();
    const tries = [];
    for (let n = 0; n < 3; n += 1) tries.push(await passes(store).catch(() => 'failed'));
    expect(tries.slice(-2)).toEqual([true, true]);
    expect(keysIn()).toBe(1);
  });

  it('begin anew in every process after the database was deleted', async () => {
    const [one, other] = [await connected(), await connected()];
    await Promise.all([passes(one), passes(other)]);
    for (const file of [rates, `${rates}-wal`, `${rates}-shm`]) rmSync(file, { force: true });
    for (const store of [one, other])
      await expect(count(store)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    const passed = [];
    for (let n = 0; n < 2; n += 1) passed.push(await passes(one), await passes(other));
    expect(passed).toEqual([true, true, true, false]);
  });

  it('are refused before the store is connected, and after it is closed', async () => {
    const store = new SqliteSessionStore({ path });
    await expect(count(store)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
    await store.connect();
    await count(store);
    await store.close();
    await expect(count(store)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });
});

/** Noise from a position to the end of the file. */
function overwrite(file: string, from: number): void {
  const descriptor = openSync(file, 'r+');
  writeSync(descriptor, Buffer.alloc(statSync(file).size - from, 0xa5), 0, undefined, from);
  closeSync(descriptor);
}

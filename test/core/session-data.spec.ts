import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import * as fc from 'fast-check';
import { hasCode, SessionsError } from '#sessions/domain/errors';
import { Session } from '#sessions/core/handles/session';
import type { SessionStore } from '#sessions/ports/store/session-store';
import type { OperationName } from '#sessions/ports/store/store-groups';
import { WrappedStore } from '#sessions/ports/store/wrapped-store';
import { MemorySessionStore } from '#sessions/stores/sqlite/memory-session-store';
import { World } from '../support/world.js';
import { onMachines, SHARED_STORES } from './node-worlds.js';

interface TestValue {
  readonly of?: unknown;
}

declare module 'nest-sessions' {
  interface SessionDataTypes {
    test: TestValue | null;
    count: number;
    flash: string;
    [numbered: `number ${number}`]: number;
  }
}

const MINUTE = 60_000;

/** A store that counts its operations and whose answers to writes of data may be lost: what was written stays. */
class WatchedStore extends WrappedStore {
  readonly calls: OperationName[];

  constructor(store: SessionStore, losesAnswer: (call: number) => boolean = () => false) {
    const calls: OperationName[] = [];
    let writes = 0;
    super(store, (operation, name) => async (...args) => {
      calls.push(name);
      const answer = await operation(...args);
      if (name === 'data.write' && losesAnswer((writes += 1))) {
        throw new SessionsError('STORE_UNAVAILABLE', 'The answer was lost.');
      }
      return answer;
    });
    this.calls = calls;
  }

  /** How often data was read and written since the last call. */
  counted(): { reads: number; writes: number } {
    const calls = this.calls.splice(0);
    const count = (name: OperationName): number => calls.filter((call) => call === name).length;
    return { reads: count('data.read'), writes: count('data.write') };
  }
}

async function code(promise: Promise<unknown>): Promise<unknown> {
  return promise.then(
    () => 'fulfilled',
    (error: unknown) => (error instanceof SessionsError ? error.code : error),
  );
}

async function again<Answer>(step: () => Promise<Answer>): Promise<Answer> {
  for (;;) {
    try {
      return await step();
    } catch (error) {
      if (!hasCode(error, 'DATA_BUSY')) throw error;
    }
  }
}

describe('The data of a session', () => {
  let root: string;
  let store: WatchedStore;
  let world: World;
  let session: Session;

  async function start(losesAnswer?: (call: number) => boolean, options = {}): Promise<void> {
    root = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
    store = new WatchedStore(new MemorySessionStore(), losesAnswer);
    world = await World.create('memory', options, { root, store });
    ({ session } = await world.open());
    session.readDataFrom(world.core.values.ofRequests);
    store.counted();
  }

  afterEach(async () => {
    await world.close();
    await rm(root, { recursive: true });
  });

  it('is set, read, updated, taken and removed by key', async () => {
    await start();
    expect(await session.get('count')).toBeUndefined();
    await session.set('count', 1);
    expect(await session.update('count', (count = 0) => count + 1)).toBe(2);
    expect(await world.service.get(session, 'count')).toBe(2);
    expect(await world.service.update({ id: session.id }, 'number 7', (seven = 6) => seven + 1)).toBe(7);
    expect(await world.service.take(session, 'count')).toBe(2);
    expect(await world.service.take(session, 'count')).toBeUndefined();
    await world.service.set(session, 'test', { of: [] });
    expect(await world.service.get(session, 'test')).toEqual({ of: [] });
    await world.service.remove(session, 'test');
    await world.service.remove(session, 'test');
    expect(await world.service.get(session, 'test')).toBeUndefined();
    await world.service.set(session, 'test', null);
    expect(await world.service.get(session, 'test')).toBeNull();
  });

  it('is read once by a request, when it first asks, and the request sees its own writes', async () => {
    await start();
    await world.service.set(session, 'count', 1);
    await world.service.set(session, 'flash', 'saved');
    store.counted();
    expect(await Promise.all([session.get('count'), session.get('flash'), session.get('test')])).toEqual([
      1,
      'saved',
      undefined,
    ]);
    await session.set('test', { of: 1 });
    expect(await session.get('test')).toEqual({ of: 1 });
    expect(await session.update('count', (count = 0) => count + 1)).toBe(2);
    expect(await session.take('flash')).toBe('saved');
    expect([await session.get('count'), await session.get('flash')]).toEqual([2, undefined]);
    expect(store.counted()).toEqual({ reads: 1, writes: 3 });
    // What another request set since is there to be taken, and counts in an update.
    await world.service.set(session, 'flash', 'again');
    await world.service.set(session, 'count', 10);
    expect(await session.take('flash')).toBe('again');
    expect(await session.update('count', (count = 0) => count + 1)).toBe(11);
    // A value that was read is a copy.
    const value = (await session.get('test')) as { of: unknown };
    value.of = 'changed';
    expect(await session.get('test')).toEqual({ of: 1 });
  });

  it('is read anew by each call of what lives longer than a request', async () => {
    await start();
    session.readDataFrom(world.core.values.ofConnections);
    expect(await session.get('count')).toBeUndefined();
    await world.service.set(session, 'count', 1);
    expect(await session.get('count')).toBe(1);
    const { session: bare } = await world.open();
    expect(await code(bare.get('count'))).toBe('INVALID_ARGUMENT');
    expect(await world.service.get(bare, 'count')).toBeUndefined();
  });

  it('is read again after a read that failed', async () => {
    await start();
    const read = jest.spyOn(store.data, 'read').mockRejectedValueOnce(new Error('away'));
    await expect(session.get('count')).rejects.toThrow('away');
    expect(await session.get('count')).toBeUndefined();
    read.mockRestore();
  });

  it('is refused to an object whose token was replaced, and to all once the session is over', async () => {
    await start();
    await session.set('count', 1);
    const record = (await store.sessions.find(session.id))!;
    const twin = new Session(record);
    twin.readDataFrom(world.core.values.ofRequests);
    expect(await twin.get('count')).toBe(1);
    await world.service.regenerate(session);
    expect(await session.update('count', (count = 0) => count + 1)).toBe(2);
    const calls = (by: Session) => [
      world.service.get(by, 'count'),
      by.set('count', 5),
      by.update('count', () => 5),
      by.take('count'),
      by.remove('count'),
    ];
    expect(await Promise.all(calls(twin).map(code))).toEqual(Array(5).fill('SESSION_STALE'));
    expect(await world.service.get({ id: session.id }, 'count')).toBe(2);
    await world.service.end(session);
    expect(await Promise.all(calls(session).map(code))).toEqual(Array(5).fill('SESSION_GONE'));
    expect(await code(world.service.get({ id: session.id }, 'count'))).toBe('SESSION_GONE');
    expect(await code(world.service.set({ id: 'no id' }, 'count', 1))).toBe('INVALID_ARGUMENT');
  });

  it('is not handed out past the limits of its session, though no cleanup has ended it', async () => {
    await start();
    await session.set('count', 1);
    world.clock.advance(15 * MINUTE - 1);
    expect(await world.service.get({ id: session.id }, 'count')).toBe(1);
    world.clock.advance(1);
    expect(await code(world.service.get({ id: session.id }, 'count'))).toBe('SESSION_GONE');
  });

  it('keeps a session alive whose cookie never came back, as a file does', async () => {
    await start();
    const { session: empty } = await world.open();
    await session.set('count', 1);
    world.clock.advance(MINUTE);
    await world.core.cleanup.runAll();
    expect(await world.service.describe(empty)).toBeNull();
    expect(await world.service.describe(session)).toMatchObject({ dataBytes: 6 });
  });

  it.each([
    ['all', 1, 1],
    ['files', 1, undefined],
    ['nothing', 0, undefined],
  ] as const)('is kept or deleted by a login with keep: %s', async (keep, files, count) => {
    await start();
    await session.set('count', 1);
    await world.write(session, 10);
    expect(await session.get('count')).toBe(1);
    await world.service.login(session, 'ada', { keep });
    expect(await session.get('count')).toBe(count);
    expect((await world.service.describe(session))?.resources).toHaveLength(files);
    await world.service.regenerate(session);
    expect(await session.get('count')).toBe(count);
  });

  it('stays with the session that a login restarts', async () => {
    await start();
    await world.service.login(session, 'ada');
    await session.set('count', 1);
    await world.service.login(session, 'eve', { ifTaken: 'restart' });
    expect(await session.get('count')).toBeUndefined();
  });

  const cyclic: { self?: unknown } = {};
  cyclic.self = [cyclic];
  let deep: unknown = 1;
  for (let level = 0; level < 100_000; level += 1) deep = [deep];
  const BAD_VALUES: readonly [string, unknown][] = [
    ['undefined', undefined],
    ['a function', () => 1],
    ['a nested function', { of: { run() {} } }],
    ['a symbol', Symbol('no')],
    ['a BigInt', [1n]],
    ['NaN', { of: Number.NaN }],
    ['Infinity', Number.POSITIVE_INFINITY],
    ['undefined in a list', [undefined]],
    ['a hole in a list', Array(1)],
    ['a cycle', cyclic],
    ['too many levels', deep],
    ['a Date', { of: new Date(0) }],
    ['a Map', new Map([[1, 2]])],
    ['a Buffer', Buffer.from('no')],
    ['an Error', new Error('no')],
    ['a promise', Promise.resolve(1)],
    ['an object that converts itself', { toJSON: () => 1 }],
    ['a lone surrogate', 'no \uD83D'],
    ['a name that is a lone surrogate', { '\uDE00': 1 }],
    ['a property __proto__', JSON.parse('{ "of": { "__proto__": 1 } }')],
    [
      'a property that throws',
      {
        get of() {
          throw new Error('no');
        },
      },
    ],
  ];

  it('refuses values that JSON would drop or change, and writes nothing', async () => {
    await start();
    await session.set('test', { of: 'before' });
    const refused: unknown[] = [];
    for (const [what, value] of BAD_VALUES) {
      refused.push([what, await code(session.set('test', value as TestValue))]);
      refused.push([what, await code(world.service.update(session, 'test', () => value as TestValue))]);
    }
    expect(refused).toEqual(
      BAD_VALUES.flatMap(([what]) => [what, what].map((one) => [one, 'INVALID_ARGUMENT'])),
    );
    expect(await world.service.get(session, 'test')).toEqual({ of: 'before' });
    expect(
      await code(
        session.update('count', () => {
          throw new RangeError('of the application');
        }),
      ),
    ).toBeInstanceOf(RangeError);
    class Dto {
      readonly of = [null, -0, 1e21];
      readonly absent = undefined;
    }
    await session.set('test', new Dto());
    expect(await world.service.get(session, 'test')).toEqual({ of: [null, 0, 1e21] });
  });

  it('refuses keys that are no names', async () => {
    await start();
    const keys: unknown[] = [
      '',
      'x'.repeat(129),
      '__proto__',
      'no\u0000',
      'no\n',
      '\uD83D',
      7,
      null,
      undefined,
      {},
    ];
    const refused: unknown[] = [];
    for (const key of keys as 'count'[]) {
      const calls = [
        session.get(key),
        session.set(key, 1),
        session.update(key, () => 1),
        session.take(key),
        session.remove(key),
      ];
      refused.push(...(await Promise.all(calls.map(code))));
    }
    expect(refused).toEqual(Array(keys.length * 5).fill('INVALID_ARGUMENT'));
    expect(store.counted()).toEqual({ reads: 0, writes: 0 });
    for (const key of ['constructor', 'toString', 'ñ \u{1f642}', 'x'.repeat(128)] as 'count'[]) {
      expect(await session.get(key)).toBeUndefined();
      await session.set(key, 1);
      expect(await world.service.take(session, key)).toBe(1);
    }
  });

  it('refuses more than its limits, by one value or by all, and writes nothing', async () => {
    await start(undefined, { maxDataBytes: 100 });
    expect(await code(session.set('flash', 'x'.repeat(94)))).toBe('DATA_TOO_LARGE');
    expect(store.counted().writes).toBe(0);
    await session.set('flash', 'x'.repeat(93));
    expect(await code(session.set('number 1', 1))).toBe('DATA_TOO_LARGE');
    expect(await code(session.update('number 1', () => 1))).toBe('DATA_TOO_LARGE');
    await session.set('flash', '');
    await session.set('number 1', 1);
    expect(await world.service.get(session, 'flash')).toBe('');
  });

  it('holds 256 keys', async () => {
    await start();
    for (let number = 0; number < 256; number += 1) await session.set(`number ${number}`, number);
    expect(await code(session.set('number 256', 1))).toBe('DATA_TOO_LARGE');
    await session.set('number 255', 1);
    await session.remove('number 0');
    await session.set('number 256', 1);
  });

  it('gives up an update that others overtake ten times, and says so', async () => {
    await start();
    let calls = 0;
    const write = store.data.write.bind(store.data);
    jest.spyOn(store.data, 'write').mockImplementation(async (...args) => {
      calls += 1;
      return calls < 10 ? 'changed' : write(...args);
    });
    expect(await session.update('count', (count = 0) => count + 1)).toBe(1);
    jest.spyOn(store.data, 'write').mockResolvedValue('changed');
    expect(await code(session.update('count', () => 1))).toBe('DATA_BUSY');
  });

  it('counts 3,000 updates by ten at once and gives away 20,000 values, with 5 % of the answers lost: once each', async () => {
    let lost = 0;
    await start((call) => {
      if (call % 20 !== 7) return false;
      lost += 1;
      return true;
    });
    const { service } = world;
    const updates = async (): Promise<void> => {
      for (let count = 0; count < 300; count += 1) {
        await again(() => service.update(session, 'count', (before = 0) => before + 1));
      }
    };
    await Promise.all(Array.from({ length: 10 }, updates));
    expect(await service.get(session, 'count')).toBe(3000);

    let given = 0;
    const takes = async (worker: number): Promise<void> => {
      const { session: own } = await world.open();
      for (let count = 0; count < 200; count += 1) {
        const value = `${worker} ${count}`;
        await service.set(own, 'flash', value);
        const taken = await Promise.all([0, 1].map(() => again(() => service.take(own, 'flash'))));
        given += taken.filter((one) => one === value).length;
        expect(taken).toContain(undefined);
      }
    };
    await Promise.all(Array.from({ length: 100 }, (_, worker) => takes(worker)));
    expect(given).toBe(20_000);
    expect(lost).toBeGreaterThan(2000);
  }, 120_000);

  it('is what a plain object would hold, whatever is done to it', async () => {
    await start();
    const key = fc.constantFrom(...(['test', 'number 1', 'ñ'] as 'test'[]));
    const json = fc
      .jsonValue()
      .filter((value) => !JSON.stringify(value).includes('__proto__'))
      .map((value) => value as TestValue);
    const step = fc.record({
      do: fc.constantFrom('set', 'set', 'update', 'get', 'take', 'remove', 'new request'),
      key,
      json,
    });
    const plain = (value: unknown): unknown =>
      value === undefined ? undefined : (JSON.parse(JSON.stringify(value)) as unknown);
    /** What a step answers, what it should answer, and what the key should hold then. */
    const perform = async (
      one: Session,
      what: string,
      name: 'test',
      value: TestValue,
      before: unknown,
      changed: unknown,
    ): Promise<[answer: unknown, expected: unknown, after: unknown]> => {
      switch (what) {
        case 'get':
          return [await one.get(name), before, before];
        case 'set':
          return [await one.set(name, value), undefined, plain(value)];
        case 'update':
          return [await one.update(name, (held) => ({ of: [held ?? null, value] })), changed, changed];
        case 'take':
          return [await one.take(name), before, undefined];
        case 'remove':
          return [await one.remove(name), undefined, undefined];
        default:
          return [one.readDataFrom(world.core.values.ofRequests), undefined, before];
      }
    };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 30 }), async (steps) => {
        const { session: one } = await world.open();
        one.readDataFrom(world.core.values.ofRequests);
        const model = new Map<string, unknown>();
        for (const { do: what, key: name, json: value } of steps) {
          const before = model.get(name);
          const changed = plain({ of: [before ?? null, value] });
          const [answer, expected, after] = await perform(one, what, name, value, before, changed);
          expect(plain(answer)).toEqual(expected);
          if (after === undefined) model.delete(name);
          else model.set(name, after);
        }
        const read = await world.core.values.read(one);
        expect(new Map([...read].map(([name, text]) => [name, JSON.parse(text)]))).toEqual(model);
        const sizes = [...read].map(([name, text]) => Buffer.byteLength(name) + Buffer.byteLength(text));
        expect((await store.sessions.find(one.id))?.dataBytes).toBe(
          sizes.reduce((sum, size) => sum + size, 0),
        );
      }),
      { numRuns: 60 },
    );
  }, 60_000);
});

describe.each(SHARED_STORES)('The data of a session that two processes share on %s', (_name, share) => {
  let here: World;
  let there: World;

  onMachines(share, async (machines) => {
    here = await machines.start();
    there = await machines.start();
  });

  it('keeps all of ten keys that are written at once, and counts each update of one key', async () => {
    const { session } = await here.open();
    const worlds = [here, there];
    const numbers = Array.from({ length: 10 }, (_, number) => number);
    await Promise.all(numbers.map((n) => worlds[n % 2]!.service.set(session, `number ${n}`, n)));
    const read = await Promise.all(
      numbers.map((n) => worlds[(n + 1) % 2]!.service.get(session, `number ${n}`)),
    );
    expect(read).toEqual(numbers);
    const updates = numbers.map(async (n) => {
      for (let count = 0; count < 20; count += 1) {
        await again(() => worlds[n % 2]!.service.update(session, 'count', (before = 0) => before + 1));
      }
    });
    await Promise.all(updates);
    expect(await there.service.get(session, 'count')).toBe(200);
    const taken = await Promise.all(numbers.map((n) => worlds[n % 2]!.service.take(session, 'count')));
    expect(taken.filter((one) => one !== undefined)).toEqual([200]);
  });
});

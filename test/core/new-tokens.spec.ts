import { Readable } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { Session } from '#sessions/core/handles/session';
import type { SessionToken } from '#sessions/core/tokens/session-token';
import { SessionsError } from '#sessions/domain/errors';
import type { SessionRecord } from '#sessions/domain/session';
import { eventually } from '../support/eventually.js';
import { STORES, World } from '../support/world.js';

const BYTES = 300_000;
const options = { maxResources: 10 };

/** What a client began under one token: a connection of its own, an upload and a download. */
class Client {
  readonly told: string[] = [];

  private constructor(
    readonly session: { id: string },
    readonly sink: Awaited<ReturnType<World['service']['createFile']>>,
    readonly download: Readable,
  ) {}

  static async of(world: World, session: { id: string }): Promise<Client> {
    const file = await world.write(session, BYTES);
    const { stream } = await world.service.openResource(file);
    const sink = await world.service.createFile(session, { type: 'temp_file' });
    const client = new Client(session, sink, stream);
    stream.on('error', (error) => client.told.push(`download ${codeOf(error)}`));
    sink.on('error', (error) => client.told.push(`upload ${codeOf(error)}`));
    await world.service.trackStream(session, {
      suspend: () => void client.told.push('suspended'),
      close: (reason) => void client.told.push(reason),
    });
    return client;
  }

  /** Lets each of them go on to its end. */
  async finish(): Promise<unknown> {
    await pipeline([Buffer.alloc(BYTES)], this.sink);
    const read = await buffer(this.download);
    return { written: this.sink.resource.sizeBytes, read: read.length, told: this.told };
  }
}

function codeOf(error: Error): string {
  return String(Reflect.get(error, 'code'));
}

/** The session as another request of the same client has it. */
async function sameSession(world: World, token: SessionToken): Promise<Session> {
  const match = await world.store.sessions.findByToken(token.hash);
  return new Session(match?.session as SessionRecord);
}

/** A response that is out when the test says so. */
function responseOf(session: Session): PromiseWithResolvers<void> {
  const response = Promise.withResolvers<void>();
  session.carryTokensBy({ use: 'cookie', carry() {}, clear() {}, sent: () => response.promise });
  return response;
}

const WENT_ON = { written: BYTES, read: BYTES, told: [] };
const CUT_OFF = ['suspended', 'stale', 'upload SESSION_STALE', 'download SESSION_STALE'];

describe.each(STORES)('A new token, with the store %s,', (store) => {
  let world: World;
  beforeEach(async () => {
    world = await World.create(store, options);
  });
  afterEach(() => world.close());

  const STEPS = {
    login: (session: Session) => world.service.login(session, 'ada'),
    regenerate: (session: Session) => world.service.regenerate(session),
  };

  it.each(['login', 'regenerate'] as const)(
    'by a %s stops at once what was begun under the old one, and closes it when the response is out',
    async (step) => {
      const { session, token } = await world.open();
      const planter = await Client.of(world, await sameSession(world, token));
      const response = responseOf(session);
      await STEPS[step](session);
      expect(planter.told).toEqual(['suspended']);
      const read: unknown[] = [];
      planter.download.on('data', (chunk) => read.push(chunk));
      planter.sink.write(Buffer.alloc(1000));
      await new Promise((resolve) => setTimeout(resolve, 50));
      expect([read, planter.told]).toEqual([[], ['suspended']]);
      expect(planter.sink.writableLength).toBe(1000);
      response.resolve();
      await eventually('all is closed', async () => planter.told.length === CUT_OFF.length);
      expect(planter.told.toSorted()).toEqual(CUT_OFF.toSorted());
      expect(read).toEqual([]);
      await eventually('nothing is left of it', async () => {
        const held = await world.store.resources.list([session.id]);
        return held.length === 1 && held[0]?.uses === 0;
      });
    },
  );

  it('closes what was begun under the old one a second later if the response is not out by then', async () => {
    const { session, token } = await world.open();
    const planter = await Client.of(world, await sameSession(world, token));
    responseOf(session);
    const startedAt = performance.now();
    await world.service.login(session, 'ada');
    await new Promise((resolve) => planter.sink.once('close', resolve));
    expect(performance.now() - startedAt).toBeLessThan(2000);
    expect(planter.told).toContain('stale');
  });

  it('lets go on what was begun with the object that it was made with, and what was begun by id', async () => {
    const { session } = await world.open();
    const own = await Client.of(world, session);
    const job = await Client.of(world, { id: session.id });
    await world.service.login(session, 'ada');
    await world.service.regenerate(session);
    expect(await own.finish()).toEqual(WENT_ON);
    expect(await job.finish()).toEqual(WENT_ON);
  });

  it('that keeps connections lets all go on, until the next that does not', async () => {
    const { session, token } = await world.open();
    const [early, late] = [await sameSession(world, token), await sameSession(world, token)];
    const clients = [await Client.of(world, early), await Client.of(world, late)];
    await world.service.regenerate(session, { keepConnections: true });
    await world.service.regenerate(session, { keepConnections: true });
    expect(await clients[0]?.finish()).toEqual(WENT_ON);
    await world.service.regenerate(session);
    expect(clients[1]?.told).toEqual(['suspended']);
    await expect(world.service.describe(late)).rejects.toMatchObject({ code: 'SESSION_STALE' });
  });

  it('is not lost on a file that was begun a moment before', async () => {
    const { session, token } = await world.open();
    const planted = await sameSession(world, token);
    const create = world.storage.create.bind(world.storage);
    jest.spyOn(world.storage, 'create').mockImplementationOnce(async (key) => {
      await world.service.login(session, 'ada');
      return create(key);
    });
    await expect(world.service.createFile(planted, { type: 'temp_file' })).rejects.toMatchObject({
      code: 'SESSION_STALE',
    });
    expect(await world.store.resources.list([session.id])).toEqual([]);
  });

  it('does not cut off what its own object began if the feed is faster than the answer of the store', async () => {
    const { session } = await world.open();
    const own = await Client.of(world, session);
    const login = world.core.store.sessions.login.bind(world.core.store.sessions);
    jest.spyOn(world.core.store.sessions, 'login').mockImplementationOnce(async (...args) => {
      const answer = await login(...args);
      await world.core.feed.read();
      await world.core.feed.read();
      return answer;
    });
    await world.service.login(session, 'ada');
    expect(await own.finish()).toEqual(WENT_ON);
  });

  it.each(['login', 'regenerate'] as const)(
    'cuts off also what its own object began if the answer to the %s stays lost: nobody has the new one',
    async (step) => {
      const { session } = await world.open();
      const own = await Client.of(world, session);
      const job = await Client.of(world, { id: session.id });
      const { sessions } = world.core.store;
      const call = (sessions[step] as (...args: unknown[]) => Promise<never>).bind(sessions);
      const losing = jest.spyOn(sessions, step).mockImplementation(async (...args: unknown[]) => {
        await call(...args);
        await world.core.feed.read();
        throw new SessionsError('STORE_UNAVAILABLE', 'The answer is lost.');
      });
      await expect(STEPS[step](session)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
      losing.mockRestore();
      await eventually('all is closed', async () => own.told.length === CUT_OFF.length);
      expect(own.told.toSorted()).toEqual(CUT_OFF.toSorted());
      expect(await job.finish()).toEqual(WENT_ON);
    },
    20_000,
  );
});

describe('A new token, with two processes on one store,', () => {
  let here: World;
  let there: World;
  beforeEach(async () => {
    here = await World.create('sqlite', options);
    there = await World.create('sqlite', options, here);
  });
  afterEach(async () => {
    await there.close();
    await here.close();
  });

  it('cuts off within a second what was begun under the old one in the other', async () => {
    const { session, token } = await here.open();
    const planter = await Client.of(there, await sameSession(there, token));
    const job = await Client.of(there, { id: session.id });
    await here.service.login(session, 'ada');
    const startedAt = performance.now();
    await eventually('it is suspended', async () => planter.told.length > 0);
    expect(performance.now() - startedAt).toBeLessThan(1000);
    await eventually('all is closed', async () => planter.told.length === CUT_OFF.length);
    expect(planter.told.toSorted()).toEqual(CUT_OFF.toSorted());
    expect(await job.finish()).toEqual(WENT_ON);
  });

  it('that keeps connections lets those in the other go on', async () => {
    const { session, token } = await here.open();
    const other = await Client.of(there, await sameSession(there, token));
    await here.service.regenerate(session, { keepConnections: true });
    await there.core.feed.read();
    await here.service.regenerate(session, { keepConnections: true });
    await there.core.feed.read();
    expect(await other.finish()).toEqual(WENT_ON);
  });

  it('cuts off what a process holds that missed the change', async () => {
    const { session, token } = await here.open();
    const planter = await Client.of(there, await sameSession(there, token));
    jest.spyOn(there.store.feed, 'read').mockResolvedValueOnce({
      changes: [],
      position: String((await there.store.ledger.identity()).counter + 1),
      more: false,
      reset: true,
    });
    await here.service.login(session, 'ada');
    await there.core.feed.read();
    expect(planter.told).toContain('suspended');
  });
});

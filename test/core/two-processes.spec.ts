import { World } from '../support/world.js';

const MINUTE = 60_000;

/** Two processes' worth of services on one database and one storage. Changes travel by the feed, in real time. */
describe('Two processes on one store', () => {
  let here: World;
  let there: World;
  beforeEach(async () => {
    here = await World.create('sqlite');
    there = await World.create('sqlite', {}, here);
  });
  afterEach(async () => {
    await there.close();
    await here.close();
  });

  it('know each other’s sessions', async () => {
    const { token } = await here.open();
    expect(await there.kindOf(token)).toBe('live');
  });

  it('refuse a session within a second of its end elsewhere, though it is cached', async () => {
    const { session, token } = await here.open();
    expect(await there.kindOf(token)).toBe('live');
    await here.service.end(session);
    expect(await here.kindOf(token)).toBe('ended');
    await within(1000, async () => expect(await there.kindOf(token)).toBe('ended'));
  });

  it('refuse a token within a second of its replacement elsewhere', async () => {
    const { session, token } = await here.open();
    expect(await there.kindOf(token)).toBe('live');
    await here.service.regenerate(session);
    await within(1000, async () => expect(await there.kindOf(token)).toBe('replaced'));
  });

  it('close streams of a session that was ended elsewhere, before the end answers', async () => {
    const { session } = await here.open();
    const closed: string[] = [];
    await there.service.trackStream(session, { close: (reason) => void closed.push(reason) });
    expect(await here.service.end(session, 'admin', { thorough: true })).toMatchObject({ resources: 1 });
    expect(closed).toEqual(['admin']);
  });

  it('write nothing to a session from the instant of its end elsewhere', async () => {
    const { session } = await here.open();
    const sink = await there.service.createFile(session, { type: 'audio_file' });
    await here.service.end(session);
    const failed = new Promise((resolve) => sink.once('error', resolve));
    sink.end(Buffer.alloc(1000));
    expect(await failed).toMatchObject({ code: 'SESSION_GONE' });
    await within(1000, async () => expect(await here.store.resources.list([session.id])).toEqual([]));
  });

  it('do not end as idle a session that the other has just served', async () => {
    const { session, token } = await here.open();
    here.core.finder.touch(session.id, token.hash);
    await here.core.thisProcess.beat();
    here.clock.advance(15 * MINUTE - 5000);
    await there.core.thisProcess.beat();
    here.clock.advance(4999);
    there.core.finder.touch(session.id, token.hash);
    here.clock.advance(1);
    expect(await here.kindOf(token)).toBe('live');
    expect(await here.core.cleanup.run('idle')).toMatchObject({ items: 0 });
  });

  it('do not end as idle a session that the other serves between the reads of session and horizon', async () => {
    const { session, token } = await here.open();
    here.core.finder.touch(session.id, token.hash);
    await here.core.thisProcess.beat();
    here.clock.advance(15 * MINUTE - 1);
    there.core.finder.touch(session.id, token.hash);
    here.clock.advance(1);
    const horizon = here.core.thisProcess.idleHorizon.bind(here.core.thisProcess);
    jest.spyOn(here.core.thisProcess, 'idleHorizon').mockImplementationOnce(async () => {
      await there.core.thisProcess.beat();
      return horizon();
    });
    expect(await here.kindOf(token)).toBe('live');
  });

  it('look a token up again after an answer that took too long', async () => {
    const { session, token } = await here.open();
    const find = there.core.store.sessions.findByToken.bind(there.core.store);
    const late = jest.spyOn(there.core.store.sessions, 'findByToken').mockImplementationOnce(async (hash) => {
      const match = await find(hash);
      await here.service.end(session);
      here.clock.advance(1000);
      return match;
    });
    expect(await there.kindOf(token)).toBe('ended');
    expect(late).toHaveBeenCalledTimes(2);
  });

  it('serve no request if every answer takes too long', async () => {
    const { token } = await here.open();
    const find = there.core.store.sessions.findByToken.bind(there.core.store);
    jest.spyOn(there.core.store.sessions, 'findByToken').mockImplementation(async (hash) => {
      here.clock.advance(1000);
      return find(hash);
    });
    await expect(there.kindOf(token)).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE' });
  });

  it('end each due session once', async () => {
    const told: string[] = [];
    for (const world of [here, there]) {
      world.service.events.on('session.ended', ({ sessionId }) => told.push(sessionId));
    }
    const opened = await Promise.all(Array.from({ length: 50 }, () => here.open()));
    here.clock.advance(MINUTE);
    await Promise.all([here, there].map((world) => world.core.thisProcess.beat()));
    const reports = await Promise.all([here, there].map((world) => world.core.cleanup.run('idle')));
    expect(reports.reduce((sum, { items }) => sum + items, 0)).toBe(50);
    expect(told.toSorted()).toEqual(opened.map(({ session }) => session.id).toSorted());
  });

  it('register a process that was dropped while suspended before it reserves anything', async () => {
    const { session } = await here.open();
    const listed = async (): Promise<boolean> =>
      (await here.store.fleet.listProcesses()).some(
        ({ processId }) => processId === there.core.thisProcess.id,
      );
    expect(await here.store.fleet.dropProcess(there.core.thisProcess.id, Number.MAX_SAFE_INTEGER)).toBe(true);
    here.clock.advance(10_000);
    expect(await listed()).toBe(false);
    await there.service.trackStream(session, { close: () => {} });
    expect(await listed()).toBe(true);
  });

  it('leave the other’s uploads alone while it lives', async () => {
    const { session } = await there.open();
    const sink = await there.service.createFile(session, { type: 'audio_file' });
    sink.write(Buffer.alloc(1000));
    for (let round = 0; round < 3; round += 1) {
      here.clock.advance(9000);
      await there.core.thisProcess.beat();
      await here.core.cleanup.run('orphans', { orphanGraceMs: 0 });
    }
    await new Promise((resolve) => sink.end(resolve));
    expect(sink.resource).toMatchObject({ state: 'ready', sizeBytes: 1000 });
  });
});

/** Where sessions idle after five seconds, so that a process can be busy for longer and still be alive. */
describe('A request that waits for the other process', () => {
  it('is judged by its arrival, in both processes', async () => {
    const here = await World.create('sqlite', { maxIdleSeconds: 5 });
    const there = await World.create('sqlite', { maxIdleSeconds: 5 }, here);
    try {
      const { session, token } = await here.open();
      here.core.finder.touch(session.id, token.hash);
      await here.core.thisProcess.beat();
      here.clock.advance(4900);
      there.core.finder.touch(session.id, token.hash);
      here.clock.advance(100);
      const asked = here.kindOf(token);
      await new Promise((resolve) => setTimeout(resolve, 100));
      here.clock.advance(6000);
      await here.core.thisProcess.beat();
      await there.core.thisProcess.beat();
      expect(await there.core.cleanup.run('idle')).toMatchObject({ items: 0 });
      expect(await asked).toBe('live');
      await here.core.thisProcess.beat();
      expect(await there.core.cleanup.run('idle')).toMatchObject({ items: 0 });
    } finally {
      await there.close();
      await here.close();
    }
  });
});

async function within(ms: number, check: () => Promise<void>): Promise<void> {
  const deadline = performance.now() + ms;
  for (;;) {
    try {
      return await check();
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await new Promise((resolve) => setTimeout(resolve, 25));
    }
  }
}

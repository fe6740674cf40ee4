/* oxlint-disable no-await-in-loop -- the steps depend on each other */
import { randomUUID } from 'node:crypto';
import { countStuck } from '#sessions/operate/overview';
import { eventually } from '../support/eventually.js';
import type { World } from '../support/world.js';
import { Machines, onMachines, SHARED_STORES } from './node-worlds.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;
const YEAR = 365 * 24 * HOUR;

describe.each(SHARED_STORES)('Items that a cleanup could not finish, on %s', (_name, share) => {
  let machines: Machines;
  let here: World;
  const running: World[] = [];
  afterEach(() => {
    jest.restoreAllMocks();
  });
  onMachines(share, async (given) => {
    machines = given;
    running.length = 0;
    here = await start();
  });

  async function start(root?: string): Promise<World> {
    const world = await machines.start(root);
    running.push(world);
    return world;
  }

  async function stop(world: World): Promise<void> {
    running.splice(running.indexOf(world), 1);
    await machines.stop(world);
  }

  async function advance(ms: number): Promise<void> {
    machines.clock.advance(ms);
    for (const world of running) await world.core.thisProcess.beat();
  }

  async function failFiveTimes(): Promise<void> {
    for (let tries = 0; tries < 5; tries += 1) {
      await advance(2 * HOUR);
      await here.core.cleanup.run('orphans', { orphanGraceMs: 0 });
    }
  }

  /** An ended session whose files this process cannot delete. */
  async function endInVain(): Promise<string> {
    jest.spyOn(here.storage, 'emptyTrash').mockRejectedValue(new Error('EPERM'));
    const { session } = await here.open();
    await here.write(session, 10);
    await here.service.end(session);
    return session.id;
  }

  it('stay known when a process starts: its first scan takes no orphan for deleted', async () => {
    const writer = await here.storage.create({ sessionId: randomUUID(), resourceId: randomUUID() });
    await writer.finish();
    await here.core.cleanup.run('orphans', { orphanGraceMs: 0 });
    jest.spyOn(here.storage, 'removeScanned').mockRejectedValue(new Error('EPERM'));
    await failFiveTimes();
    expect(await countStuck(here.core)).toBe(1);

    const late = await start(here.root);
    await late.core.cleanup.run('orphans', { orphanGraceMs: 0 });
    expect(await countStuck(late.core)).toBe(1);
    await advance(HOUR);
    await late.core.cleanup.run('orphans', { orphanGraceMs: 0 });
    expect([await countStuck(late.core), await machines.filesOf(late)]).toEqual([0, []]);
  });

  it('are retried by a whole cleanup at once, also by another process a moment after the end', async () => {
    await endInVain();
    const deleting = jest.spyOn(here.storage, 'emptyTrash');
    await eventually('the end has failed', async () => deleting.mock.calls.length > 0);
    jest.restoreAllMocks();
    const late = await start(here.root);
    const ending = async (): Promise<number> => (await late.core.store.ledger.totals()).ending;
    expect(await ending()).toBe(1);
    await late.core.cleanup.run('orphans');
    expect(await ending()).toBe(1);
    await late.core.cleanup.runAll();
    expect(await ending()).toBe(0);
  });

  it('are not counted anew, nor retried too early, by a process that starts and finishes the end of another node', async () => {
    await endInVain();
    await failFiveTimes();
    const far = await start();
    const late = await start(here.root);
    await stop(here);
    jest.spyOn(late.storage, 'emptyTrash').mockRejectedValueOnce(new Error('EPERM'));
    const before = await late.store.ledger.listFailures(late.core.thisProcess.nodeId);
    expect(before).toMatchObject([{ tries: 5 }]);

    await advance(MINUTE);
    const { session } = await late.open();
    await late.write(session, 10);
    await far.service.end(session);
    await eventually('the process looks for ends', async () => {
      const failures = await late.store.ledger.listFailures(late.core.thisProcess.nodeId);
      const record = await late.store.sessions.find(session.id);
      return record?.state === 'ended' || failures.some(({ tries }) => tries === 1);
    });
    const after = await late.store.ledger.listFailures(late.core.thisProcess.nodeId);
    expect(after.find(({ item }) => item === before[0]?.item)).toEqual(before[0]);
  });

  it('that failed under a clock years ahead are retried once the clock is right', async () => {
    const id = await endInVain();
    await advance(MINUTE + 1);
    await here.core.cleanup.run('orphans');
    const { nodeId } = here.core.thisProcess;
    const [failure] = await here.store.ledger.listFailures(nodeId);
    expect(failure?.item).toBe(`Session ${id}`);
    await here.store.ledger.noteFailures(nodeId, [
      { item: `Session ${id}`, tries: 1, retryAt: machines.clock.now() + YEAR },
    ]);
    jest.restoreAllMocks();
    await advance(MINUTE + 1);
    await here.core.cleanup.run('orphans');
    expect(await here.store.sessions.find(id)).toMatchObject({ state: 'ended' });
    expect(await here.store.ledger.listFailures(nodeId)).toEqual([]);
  });

  it('hold up no shutdown: a process goes although a deletion does not end, and another finishes it', async () => {
    const far = await start();
    const other = await start(here.root);
    const hung = jest.spyOn(here.storage, 'emptyTrash').mockReturnValue(new Promise(() => {}));
    jest.spyOn(other.storage, 'emptyTrash').mockReturnValue(new Promise(() => {}));
    const sessions = [(await here.open()).session, (await here.open()).session, (await here.open()).session];
    for (const session of sessions) await here.write(session, 10);
    // One in the background, one in a cleanup, one for another node.
    await here.service.end(sessions[0]!);
    void here.core.cleanup.run('orphans');
    await far.service.end(sessions[1]!);
    await far.service.end(sessions[2]!);
    await eventually('the deletions are under way', async () => hung.mock.calls.length > 0);

    for (const world of [here, other]) {
      let isStopped = false;
      const stopping = stop(world).then(() => (isStopped = true));
      await eventually('the process has stopped', async () => {
        machines.clock.advance(1000);
        return isStopped;
      });
      await stopping;
    }
    const late = await start(here.root);
    await advance(2 * MINUTE);
    await late.core.cleanup.run('orphans');
    await eventually('all is deleted', async () => {
      const records = await Promise.all(sessions.map(({ id }) => late.store.sessions.find(id)));
      return records.every((record) => record?.state === 'ended');
    });
    expect(await machines.filesOf(late)).toEqual([]);
  });
});

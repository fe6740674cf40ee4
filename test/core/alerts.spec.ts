import { Alerts } from '#sessions/core/process/alerts';
import type { Session } from '#sessions/core/handles/session';
import type { AlertName } from '#sessions/domain/events';
import { countStuck } from '#sessions/operate/overview';
import type { World } from '../support/world.js';
import { Machines, onMachines, SHARED_STORES } from './node-worlds.js';

const OPTIONS = { maxResources: 10, maxBytes: 1000, onLimit: 'reject' } as const;
const HOUR = 3_600_000;

/** What a process raised and cleared, in order. */
function listen(world: World): string[] {
  const heard: string[] = [];
  world.service.events.on('alert.raised', ({ alert, message }) => heard.push(`${alert}: ${message}`));
  world.service.events.on('alert.cleared', ({ alert }) => heard.push(`${alert} cleared`));
  return heard;
}

describe.each(SHARED_STORES)('Alerts of two processes on %s', (_name, share) => {
  let machines: Machines;
  let here: World;
  let there: World;
  // Before the machines close: hooks run in their order.
  afterEach(() => {
    jest.restoreAllMocks();
  });
  onMachines(share, async (given) => {
    machines = given;
    here = await machines.start(undefined, OPTIONS);
    there = await machines.start(here.root, OPTIONS);
  });

  /** The alerts of both, which must be the same. */
  async function raised(): Promise<AlertName[]> {
    for (const world of [here, there]) await world.core.alerts.check();
    const [ours, theirs] = [here, there].map((world) => [...world.core.alerts.active.keys()]);
    expect(theirs).toEqual(ours);
    return ours ?? [];
  }

  /** What metrics and health of both count as stuck. */
  function stuck(): Promise<number[]> {
    return Promise.all([here, there].map(({ core }) => countStuck(core)));
  }

  async function openMany(count: number): Promise<Session[]> {
    return Promise.all(Array.from({ length: count }, async () => (await here.open()).session));
  }

  it('name every session near a limit, and clear when another process ended the last of them', async () => {
    const heard = listen(there);
    const sessions = await openMany(3);
    for (const session of sessions.slice(0, 2)) await here.write(session, 801);
    expect(await raised()).toEqual(['session_near_limit']);
    expect(heard[0]).toMatch(/^session_near_limit: 2 sessions use more than 80 % of a limit: /);
    for (const { id } of sessions.slice(0, 2)) expect(heard[0]).toContain(id);
    expect(here.core.alerts.nearLimit).toBe(2);

    await here.service.end(sessions[0]!);
    await here.write(sessions[2]!, 801);
    expect(await raised()).toEqual(['session_near_limit']);
    expect(there.core.alerts.active.get('session_near_limit')).toContain(sessions[2]!.id);
    await here.service.end(sessions[1]!);
    await here.service.end(sessions[2]!);
    expect(await raised()).toEqual([]);
    expect(heard.slice(1)).toEqual(['session_near_limit cleared']);
  });

  it('are raised for files and streams apart: a share of both together is none', async () => {
    const [few, files, streams] = await openMany(3);
    const stream = async (session: Session): Promise<unknown> =>
      here.service.trackStream(session, { close: () => {} });
    for (let count = 0; count < 5; count += 1) await here.write(few!, 1);
    for (let count = 0; count < 4; count += 1) await stream(few!);
    expect(await raised()).toEqual([]);
    for (let count = 0; count < 9; count += 1) await here.write(files!, 1);
    expect(await raised()).toEqual(['session_near_limit']);
    await here.service.end(files!);
    expect(await raised()).toEqual([]);
    expect(streams).toBeDefined();
  });

  it('stay raised while one job fails, whatever the others do, and clear with its success', async () => {
    const heard = listen(there);
    jest.spyOn(here.store.endings, 'beginEnd').mockRejectedValue(new Error('no'));
    await openMany(1);
    machines.clock.advance(HOUR);
    await Promise.all([here, there].map((world) => world.core.thisProcess.beat()));
    for (let round = 0; round < 3; round += 1) {
      await here.core.cleanup.run('expired');
      await here.core.cleanup.run('orphans');
      expect(await raised()).toEqual(['cleanup_failed']);
    }
    // Another process that has nothing to do does not clear it.
    await there.core.cleanup.run('orphans');
    expect(await raised()).toEqual(['cleanup_failed']);
    jest.restoreAllMocks();
    await here.core.cleanup.run('expired');
    expect(await raised()).toEqual([]);
    expect(heard.map((line) => line.slice(0, 22).trim())).toEqual([
      'cleanup_failed: Cleanu',
      'cleanup_failed cleared',
    ]);
  });

  it('stay raised while a file waits for its deletion, and clear when another process has deleted it', async () => {
    const [session] = await openMany(1);
    const file = await here.write(session!, 10);
    jest.spyOn(here.storage, 'remove').mockRejectedValue(new Error('EPERM'));
    await expect(here.service.release(file)).rejects.toThrow('EPERM');
    for (let round = 0; round < 6; round += 1) {
      // Past the lease, and most often before the retry is due.
      machines.clock.advance(61_000);
      await Promise.all([here, there].map((world) => world.core.thisProcess.beat()));
      await here.core.cleanup.run('orphans');
      expect(await raised()).toEqual(['cleanup_failed']);
    }
    machines.clock.advance(2 * HOUR);
    await Promise.all([here, there].map((world) => world.core.thisProcess.beat()));
    for (let round = 0; round < 4; round += 1) {
      await here.core.cleanup.run('orphans');
      machines.clock.advance(2 * HOUR);
      await Promise.all([here, there].map((world) => world.core.thisProcess.beat()));
    }
    expect(await stuck()).toEqual([1, 1]);
    await there.core.cleanup.run('orphans');
    expect(await here.store.resources.find(file.id)).toBeNull();
    expect(await stuck()).toEqual([0, 0]);
    await here.core.cleanup.run('orphans');
    expect(await raised()).toEqual([]);
  });

  it('of orphans are the same in both, and clear with a sweep that finds none', async () => {
    const [session] = await openMany(1);
    await here.write(session!, 10);
    await here.store.endings.beginEnd(session!.id, {
      reason: 'admin',
      at: machines.clock.now(),
      lease: here.core.thisProcess.lease(),
    });
    // The records go, the file stays.
    await here.store.endings.finishEnd(session!.id, here.core.thisProcess.nodeId, machines.clock.now());
    for (let scan = 0; scan < 2; scan += 1) await here.core.cleanup.run('orphans', { orphanGraceMs: 0 });
    expect(await raised()).toEqual(['orphans_found']);
    await here.core.cleanup.run('orphans', { orphanGraceMs: 0 });
    expect(await raised()).toEqual([]);
  });
});

describe('The log of alerts', () => {
  it('has a line when an alert is raised, when other sessions join, and when it clears', async () => {
    const lines: string[] = [];
    const log = { debug() {}, log() {}, error() {}, warn: (line: string) => void lines.push(line) };
    const shared = await SHARED_STORES[0][1]();
    const machines = new Machines(shared);
    let stop = (): void => {};
    try {
      const world = await machines.start(undefined, OPTIONS);
      const { config, store, events, thisProcess } = world.core;
      const alerts = new Alerts({ config, store, events, thisProcess, log });
      alerts.start();
      stop = () => alerts.stop();
      const [first, second] = [(await world.open()).session, (await world.open()).session];
      await world.write(first, 900);
      await alerts.check();
      await world.write(second, 900);
      await alerts.check();
      await alerts.check();
      for (const session of [first, second]) await world.service.end(session);
      await alerts.check();
      expect(lines).toEqual([
        `Alert session_near_limit: 1 session uses more than 80 % of a limit: ${first.id}`,
        `Alert session_near_limit: also ${second.id}`,
        'Alert session_near_limit cleared',
      ]);
    } finally {
      stop();
      await machines.close();
      await shared.stop();
    }
  });
});

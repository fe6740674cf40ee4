import { cp, mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { World } from '../support/world.js';
import { onMachines, sharedRedis, type Machines } from './node-worlds.js';

/** Images of machines that were made while one of them worked: their storage roots have the same UUID. */
describe('A clone of a storage root', () => {
  let machines: Machines;
  let original: World;
  let copy: string;

  onMachines(sharedRedis, async (given) => {
    machines = given;
    original = await machines.start();
    copy = join(await mkdtemp(join(tmpdir(), 'nest-sessions-copy-')), 'root');
    await cp(original.root, copy, { recursive: true });
  });
  afterEach(async () => {
    await rm(join(copy, '..'), { recursive: true, force: true });
  });

  /** Half a minute after the copy was made. */
  async function later(world: World): Promise<void> {
    machines.clock.advance(30_000);
    await world.core.thisProcess.renewBeacon();
    await world.core.thisProcess.beat();
  }
  const beaconsIn = (root: string): Promise<string[]> => readdir(join(root, 'beacons'));

  it('is refused while the original is in use, and leaves nothing behind', async () => {
    const { session } = await original.open();
    await original.write(session, 1000);
    await later(original);
    const before = await beaconsIn(copy);
    await expect(machines.start(copy)).rejects.toMatchObject({
      code: 'STORAGE_UNSAFE',
      message: expect.stringContaining('set storagePath (SESSION_STORAGE_PATH) to a new or empty folder'),
    });
    expect(await beaconsIn(copy)).toEqual(before);
    expect(await original.store.fleet.listProcesses()).toHaveLength(1);
    expect(await machines.filesOf(original)).toHaveLength(1);
  });

  it('that started first keeps the original from starting', async () => {
    await machines.stop(original);
    const first = await machines.start(copy);
    await later(first);
    await expect(machines.start(original.root)).rejects.toMatchObject({ code: 'STORAGE_UNSAFE' });
  });

  it('replaces the original if that has no live process, as a restored disk', async () => {
    await later(original);
    await machines.stop(original);
    const restored = await machines.start(copy);
    expect(restored.storageRoot.id).toHaveLength(36);
  });

  it('is not what a second process on the same root looks like', async () => {
    await later(original);
    const second = await machines.start(original.root);
    await later(original);
    await later(second);
    await machines.start(original.root);
    expect(await original.store.fleet.listProcesses()).toHaveLength(3);
  });

  it('is not suspected while a disk accepts no new beacon: the last one stays', async () => {
    jest.spyOn(original.storageRoot.beacons, 'leave').mockRejectedValue(new Error('ENOSPC'));
    await later(original);
    expect((await original.store.fleet.listProcesses())[0]?.beacon).not.toBeNull();
    await machines.start(original.root);
  });

  it('is checked by beacons of live processes alone: cleanup removes all others', async () => {
    await later(original);
    const own = await beaconsIn(original.root);
    await original.storageRoot.beacons.leave('d0000000-0000-4000-8000-000000000001');
    await original.core.cleanup.run('orphans');
    expect(await beaconsIn(original.root)).toHaveLength(own.length + 1);
    for (const name of await beaconsIn(original.root)) {
      const old = new Date(Date.now() - 120_000);
      await utimes(join(original.root, 'beacons', name), old, old);
    }
    await original.core.cleanup.run('orphans');
    expect(await beaconsIn(original.root)).toEqual(own);
  });
});

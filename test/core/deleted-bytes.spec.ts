/* oxlint-disable no-await-in-loop -- the steps depend on each other */
import { execFileSync } from 'node:child_process';
import { rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import type { AlertName } from '#sessions/domain/events';
import { SessionsProbe } from '#sessions/health/sessions-probe';
import { countStuck } from '#sessions/operate/overview';
import type { TypeTotals } from '#sessions/ports/record/ledger';
import { eventually } from '../support/eventually.js';
import type { World } from '../support/world.js';
import { entriesBelow, pathOf } from '../support/files-on-disk.js';
import { Machines, onMachines, SHARED_STORES } from './node-worlds.js';

const HOUR = 3_600_000;
const MINUTE = 60_000;
const OPTIONS = { maxResources: 6, maxBytes: 10_000 } as const;

describe.each(SHARED_STORES)('The bytes of a node with two processes on %s', (_name, share) => {
  let machines: Machines;
  let here: World;
  let there: World;
  const immutable = new Set<string>();
  afterEach(() => {
    jest.restoreAllMocks();
    for (const path of immutable) mend(path);
  });
  onMachines(share, async (given) => {
    machines = given;
    here = await machines.start(undefined, OPTIONS);
    there = await machines.start(here.root, OPTIONS);
  });

  /** Not even root can delete it: the test needs chattr +i, on Linux as root. */
  function spoil(path: string): void {
    execFileSync('chattr', ['+i', path]);
    immutable.add(path);
  }

  function mend(path: string): void {
    const [name = ''] = path.split('/').slice(-1);
    for (const found of filesOnDisk()) {
      if (found.endsWith(name)) execFileSync('chattr', ['-i', found]);
    }
    immutable.delete(path);
  }

  /** Those of sessions and those in the trash. */
  function filesOnDisk(): string[] {
    return [...filesIn('s'), ...filesIn('trash')];
  }

  function filesIn(part: 's' | 'trash'): string[] {
    return entriesBelow(join(here.root, part)).map(pathOf);
  }

  function bytesOnDisk(): number {
    return bytesIn(filesOnDisk());
  }

  /** An end counts when the last of its files is deleted: until then its records stay, also of those that are gone. */
  async function bytesOfUndeletedEnds(): Promise<number> {
    let bytes = 0;
    for (const { sessionId, ticket } of await here.storage.listTrash()) {
      const left = filesIn('trash').filter((path) => path.includes(ticket));
      const records = await here.store.resources.list([sessionId]);
      const recorded = records.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      if (left.length > 0 && recorded >= bytesIn(left)) bytes += recorded;
    }
    return bytes;
  }

  async function audio(): Promise<TypeTotals | undefined> {
    return (await here.store.ledger.totals()).types.find(({ type }) => type === 'audio_file');
  }

  async function advance(ms: number): Promise<void> {
    machines.clock.advance(ms);
    for (const world of [here, there]) await world.core.thisProcess.beat();
  }

  async function raised(world: World): Promise<AlertName[]> {
    await world.core.alerts.check();
    return [...world.core.alerts.active.keys()];
  }

  async function health(world: World): Promise<string> {
    return (await new SessionsProbe(world.core).check()).recovery;
  }

  /** An ended session whose file cannot be deleted. */
  async function spoiled(bytes: number): Promise<void> {
    const { session } = await here.open();
    await here.write(session, bytes);
    const [path = ''] = filesOnDisk();
    spoil(path);
    await here.service.end(session);
  }

  async function failFiveTimes(): Promise<void> {
    for (const world of [here, there, here, there, here]) {
      await advance(2 * HOUR);
      await world.core.cleanup.run('orphans');
    }
  }

  it('count as deleted when they are: all processes say what waits until somebody mended it', async () => {
    await spoiled(1000);
    await failFiveTimes();
    await there.core.cleanup.run('orphans');
    const late = await machines.start(here.root, OPTIONS);
    for (const world of [here, there, late]) {
      expect(await raised(world)).toEqual(['cleanup_failed']);
      expect([await countStuck(world.core), await health(world)]).toEqual([1, 'stuck']);
    }
    expect(await audio()).toMatchObject({ active: 1, activeBytes: 1000, released: 0, releasedBytes: 0 });
    expect(await here.store.ledger.totals()).toMatchObject({ ending: 1, ended: { ended: 1 } });

    mend([...immutable][0] ?? '');
    // An operator's cleanup waits for no pause.
    await there.core.cleanup.runAll();
    expect(filesOnDisk()).toEqual([]);
    expect(await audio()).toMatchObject({ active: 0, activeBytes: 0, released: 1, releasedBytes: 1000 });
    expect(await here.store.ledger.totals()).toMatchObject({ ending: 0 });
    await here.core.cleanup.run('orphans');
    for (const world of [here, there, late]) {
      expect([await countStuck(world.core), await health(world)]).toEqual([0, 'ok']);
      expect(await raised(world)).toEqual([]);
    }
  });

  it('are retried when due by a process that is not the one that failed, also after all have restarted', async () => {
    await spoiled(500);
    await failFiveTimes();
    for (const world of [here, there]) await machines.stop(world);
    [here, there] = [await machines.start(here.root, OPTIONS), await machines.start(here.root, OPTIONS)];
    expect([await countStuck(here.core), await health(there)]).toEqual([1, 'stuck']);
    mend([...immutable][0] ?? '');
    await there.core.cleanup.run('orphans');
    expect(await audio()).toMatchObject({ releasedBytes: 0 });
    await advance(HOUR);
    await there.core.cleanup.run('orphans');
    expect([await countStuck(here.core), await audio()]).toMatchObject([0, { releasedBytes: 500 }]);
  });

  it('count at the next cleanup where an operator deleted the files by hand', async () => {
    await spoiled(700);
    await failFiveTimes();
    mend([...immutable][0] ?? '');
    for (const path of filesOnDisk()) rmSync(join(path, '..'), { recursive: true });
    await advance(MINUTE);
    await there.core.cleanup.run('orphans');
    expect([await countStuck(here.core), await audio()]).toMatchObject([
      0,
      { active: 0, releasedBytes: 700 },
    ]);
  });

  it('count once where a process died between the deletion and its record, or before it', async () => {
    const { session } = await here.open();
    await here.write(session, 300);
    const finish = jest.spyOn(here.store.endings, 'finishEnd').mockRejectedValueOnce(new Error('killed'));
    await here.service.end(session);
    await eventually('the files are deleted', async () => finish.mock.calls.length === 1, 5000);
    expect([filesOnDisk(), await audio()]).toMatchObject([[], { released: 0, releasedBytes: 0 }]);

    const { session: other } = await here.open();
    await here.write(other, 40);
    const empty = jest.spyOn(here.storage, 'emptyTrash').mockRejectedValueOnce(new Error('killed'));
    await here.service.end(other);
    await eventually('it has failed', async () => empty.mock.calls.length === 1, 5000);
    expect(filesOnDisk()).toHaveLength(1);

    await advance(MINUTE + 1);
    await there.core.cleanup.run('orphans');
    expect([filesOnDisk(), await audio()]).toMatchObject([[], { released: 2, releasedBytes: 340 }]);
    await here.core.cleanup.run('orphans');
    expect(await audio()).toMatchObject({ active: 0, activeBytes: 0, released: 2, releasedBytes: 340 });
  });

  it('of a release that meets the end of its session count with the end', async () => {
    const { session } = await here.open();
    const file = await here.write(session, 200);
    const [path = ''] = filesOnDisk();
    spoil(path);
    jest.spyOn(here.storage, 'remove').mockImplementationOnce(async () => {
      await here.service.end(session);
    });
    await here.service.release(file);
    expect([bytesOnDisk(), await audio()]).toMatchObject([200, { active: 1, releasedBytes: 0 }]);
    mend(path);
    await advance(MINUTE + 1);
    await there.core.cleanup.run('orphans');
    expect([bytesOnDisk(), await audio()]).toMatchObject([0, { active: 0, released: 1, releasedBytes: 200 }]);
  });

  it.each([1, 2, 3])(
    'equal what the disk says through writes, releases, evictions, ends and spoiled files: %i',
    async (seed) => {
      const next = randomFrom(seed);
      let written = 0;
      const open: { id: string }[] = [];
      for (let step = 0; step < 40; step += 1) {
        const world = next(2) === 0 ? here : there;
        const session = open[next(open.length)];
        const choice = next(10);
        if (session === undefined || choice === 0) open.push((await world.open()).session);
        else if (choice < 6) {
          const bytes = 1 + next(3000);
          // Refused where spoiled files fill the session.
          if (
            await world.write(session, bytes).then(
              () => true,
              () => false,
            )
          )
            written += bytes;
        } else if (choice === 6) {
          const [file] = await here.store.resources.list([session.id]);
          if (file?.state === 'ready') await world.service.release(file).catch(() => {});
        } else if (choice === 7 && immutable.size < 3) {
          const path = filesOnDisk()[next(Math.max(1, filesOnDisk().length))];
          if (path !== undefined && !path.includes('/trash/')) spoil(path);
        } else {
          open.splice(open.indexOf(session), 1);
          await world.service.end(session, 'ended', { thorough: next(2) === 0 });
        }
        if (next(8) === 0) {
          await advance(2 * MINUTE);
          await world.core.cleanup.run('orphans');
        }
        await eventually(`step ${step}: the totals are those of the disk`, agree, 5000);
      }
      for (const path of immutable) mend(path);
      for (const session of open) await here.service.end(session);
      await advance(MINUTE + 1);
      await there.core.cleanup.runAll();
      await eventually('everything is deleted', async () => bytesOnDisk() === 0, 5000);
      expect(await audio()).toMatchObject({ active: 0, activeBytes: 0, releasedBytes: written });

      async function agree(): Promise<boolean> {
        const { activeBytes = 0, releasedBytes = 0 } = (await audio()) ?? {};
        const due = bytesIn(filesIn('s')) + (await bytesOfUndeletedEnds());
        return activeBytes === due && releasedBytes === written - activeBytes;
      }
    },
    60_000,
  );
});

function bytesIn(paths: readonly string[]): number {
  return paths.reduce((sum, path) => sum + (statSync(path, { throwIfNoEntry: false })?.size ?? 0), 0);
}

/** Numbers below `most`, the same for the same seed. */
function randomFrom(seed: number): (most: number) => number {
  let state = seed;
  return (most) => {
    state = (state * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((state / 2_147_483_648) * most);
  };
}

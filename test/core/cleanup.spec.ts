import { copyFile, mkdir, mkdtemp, readFile, readdir, rm, stat, utimes, writeFile } from 'node:fs/promises';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { STORES, World } from '../support/world.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe.each(STORES)('Cleanup on %s', (store) => {
  let world: World;
  beforeEach(async () => (world = await World.create(store)));
  afterEach(() => world.close());

  async function openConfirmed(): ReturnType<World['open']> {
    const opened = await world.open();
    world.core.finder.touch(opened.session.id, opened.token.hash);
    return opened;
  }

  it('ends idle sessions with their resources, and no others', async () => {
    const idle = await openConfirmed();
    await world.write(idle.session, 1000);
    world.clock.advance(10 * MINUTE);
    const active = await openConfirmed();
    world.clock.advance(5 * MINUTE);
    expect(await world.core.cleanup.run('idle')).toMatchObject({ items: 1, failures: 0 });
    expect(await world.service.describe(active.session)).not.toBeNull();
    expect(await world.service.describe(idle.session)).toBeNull();
    expect(await world.service.totals()).toMatchObject({ open: 1, ending: 0, ended: { idle: 1 } });
  });

  it('ends a session after 1 minute if its client never returned, after 15 if it did', async () => {
    await world.open();
    await openConfirmed();
    world.clock.advance(MINUTE);
    expect(await world.core.cleanup.run('idle')).toMatchObject({ items: 1 });
  });

  it('ends expired sessions', async () => {
    const { session, token } = await openConfirmed();
    world.clock.advance(HOUR - 1);
    world.core.finder.touch(session.id, token.hash);
    expect(await world.core.cleanup.run('expired')).toMatchObject({ items: 0 });
    world.clock.advance(1);
    expect(await world.core.cleanup.run('expired')).toMatchObject({ items: 1 });
  });

  it('only counts in a dry run', async () => {
    await openConfirmed();
    world.clock.advance(HOUR);
    const reports = await world.core.cleanup.runAll({ dryRun: true });
    expect(reports.map(({ job, items }) => [job, items])).toEqual([
      ['idle', 1],
      ['expired', 1],
      ['orphans', 0],
    ]);
    expect((await world.service.totals()).open).toBe(1);
    expect(await world.store.ledger.listRuns()).toEqual([]);
  });

  it('never overlaps itself', async () => {
    const [one, other] = [world.core.cleanup.run('idle'), world.core.cleanup.run('idle')];
    expect(await one).toBe(await other);
  });

  it('runs on its interval, also after a run that failed', async () => {
    const { cleanup } = world.core;
    await cleanup.runIfDue('idle');
    expect(await world.store.ledger.listRuns()).toEqual([]);
    world.clock.advance(MINUTE);
    const broken = jest.spyOn(world.store.endings, 'findIdle').mockRejectedValueOnce(new Error('away'));
    await cleanup.runIfDue('idle');
    expect(broken).toHaveBeenCalledTimes(1);
    expect(await world.store.ledger.listRuns()).toMatchObject([
      { job: 'idle', failures: 1, lastSuccessAt: null },
    ]);
    world.clock.advance(MINUTE);
    await cleanup.runIfDue('idle');
    const [run] = await world.store.ledger.listRuns();
    expect(run).toMatchObject({ runs: 2, failures: 0, totalFailures: 1, lastSuccessAt: world.clock.now() });
    expect(run?.nextRunAt).toBe(world.clock.now() + MINUTE);
  });

  it('ends the other sessions if one fails, and that one later', async () => {
    for (let count = 0; count < 5; count += 1) {
      const { session } = await openConfirmed();
      await world.write(session, 10);
    }
    world.clock.advance(15 * MINUTE);
    jest.spyOn(world.storage, 'discardSession').mockRejectedValueOnce(new Error('EBUSY'));
    expect(await world.core.cleanup.run('idle')).toMatchObject({ items: 4, failures: 1 });
    expect(await world.service.totals()).toMatchObject({ open: 0, ending: 1 });
    world.clock.advance(MINUTE);
    expect(await world.core.cleanup.run('orphans')).toMatchObject({ failures: 0 });
    expect(await world.service.totals()).toMatchObject({ ending: 0, ended: { idle: 5 } });
  });

  it('goes on behind a page of sessions that all fail, and ends those that are due after them', async () => {
    const failing = new Set<string>();
    for (let count = 0; count < 1010; count += 1) {
      const { session } = await openConfirmed();
      if (count < 1005) failing.add(session.id);
      world.clock.advance(1);
    }
    world.clock.advance(15 * MINUTE);
    const beginEnd = world.store.endings.beginEnd.bind(world.store.endings);
    const asked = jest.spyOn(world.store.endings, 'beginEnd').mockImplementation((id, ...rest) => {
      return failing.has(id) ? Promise.reject(new Error('one bucket is away')) : beginEnd(id, ...rest);
    });
    expect(await world.core.cleanup.run('idle')).toMatchObject({ items: 5, failures: 1005 });
    expect(asked).toHaveBeenCalledTimes(1010);
  });

  it('stops after the first page that fails if the store takes no writes at all', async () => {
    for (let count = 0; count < 510; count += 1) await openConfirmed();
    world.clock.advance(15 * MINUTE);
    await world.core.thisProcess.beat();
    const full = new Error('the disk is full');
    const asked = jest.spyOn(world.store.endings, 'beginEnd').mockRejectedValue(full);
    let beats = 0;
    const heartbeat = world.store.fleet.heartbeat.bind(world.store.fleet);
    jest.spyOn(world.store.fleet, 'heartbeat').mockImplementation((beat) => {
      beats += 1;
      return beats === 1 ? heartbeat(beat) : Promise.reject(full);
    });
    await expect(world.core.cleanup.run('idle')).rejects.toThrow('the disk is full');
    expect(asked).toHaveBeenCalledTimes(500);
  });

  it('continues with the next step if one fails, since a later one may free the space it needs', async () => {
    const { session } = await openConfirmed();
    await world.write(session, 10);
    await world.storage.discardSession(session.id);
    jest.spyOn(world.store.endings, 'leaseEnding').mockRejectedValueOnce(new Error('the disk is full'));
    jest.spyOn(world.storageRoot, 'restoreBallast').mockRejectedValueOnce(new Error('no inodes'));
    const emptied = jest.spyOn(world.storage, 'listTrash');
    const noted = jest.spyOn(world.storageRoot, 'noteStore');
    const { failures, sweep } = await world.core.cleanup.run('orphans');
    expect({ failures, sweep }).toMatchObject({ failures: 2, sweep: { held: false } });
    expect([emptied, noted].map(({ mock }) => mock.calls.length)).toEqual([1, 1]);
  });

  it('retries an orphan that cannot be deleted with growing pauses, and deletes the others', async () => {
    for (let count = 0; count < 3; count += 1) {
      const writer = await world.storage.create({ sessionId: randomUUID(), resourceId: randomUUID() });
      await writer.finish();
    }
    const remove = jest.spyOn(world.storage, 'removeScanned').mockRejectedValueOnce(new Error('EPERM'));
    const sweep = async () => (await world.core.cleanup.run('orphans', { orphanGraceMs: 0 })).failures;
    await sweep();
    expect(await sweep()).toBe(1);
    expect(remove).toHaveBeenCalledTimes(3);
    expect(await sweep()).toBe(0);
    expect(remove).toHaveBeenCalledTimes(3);
    world.clock.advance(MINUTE);
    const { sweep: last } = await world.core.cleanup.run('orphans', { orphanGraceMs: 0 });
    expect(last).toMatchObject({ files: 1, deleted: 1 });
  });

  it('finishes a release that failed, which no longer counts in the meantime', async () => {
    const { session } = await openConfirmed();
    const resource = await world.write(session, 10);
    jest.spyOn(world.storage, 'remove').mockRejectedValueOnce(new Error('EBUSY'));
    await expect(world.service.release(resource)).rejects.toThrow('EBUSY');
    expect(await world.service.findResource(session, resource.id)).toBeNull();
    world.clock.advance(MINUTE);
    await world.core.cleanup.run('orphans');
    expect(await world.service.describe(session)).toMatchObject({ resourceCount: 0 });
  });

  it('sweeps a file that no session owns only when two scans have found it', async () => {
    const writer = await world.storage.create({ sessionId: randomUUID(), resourceId: randomUUID() });
    await writer.write([Buffer.from('left behind')]);
    await writer.finish();
    const found: number[] = [];
    world.service.events.on('orphans.found', ({ deleted }) => found.push(deleted));
    const options = { orphanGraceMs: 0 };
    expect((await world.core.cleanup.run('orphans', options)).sweep).toMatchObject({
      orphans: 0,
      deleted: 0,
    });
    expect((await world.core.cleanup.run('orphans', options)).sweep).toMatchObject({
      orphans: 1,
      deleted: 1,
    });
    expect((await world.core.cleanup.run('orphans', options)).sweep).toMatchObject({ files: 0, orphans: 0 });
    expect(found).toEqual([1]);
  });

  it('sweeps a file with a modification time in the future once it was watched for the whole grace', async () => {
    const writer = await world.storage.create({ sessionId: randomUUID(), resourceId: randomUUID() });
    await writer.finish();
    const wall = jest.spyOn(Date, 'now').mockReturnValue(Date.now() - 24 * HOUR);
    try {
      for (let minute = 0; minute < 10; minute += 1) {
        const { sweep } = await world.core.cleanup.run('orphans');
        expect(sweep).toMatchObject({ files: 1, deleted: 0 });
        world.clock.advance(MINUTE);
      }
      expect((await world.core.cleanup.run('orphans')).sweep).toMatchObject({ deleted: 1 });
    } finally {
      wall.mockRestore();
    }
  });

  it('leaves alone young files, owned files and files being written', async () => {
    const { session } = await openConfirmed();
    await world.write(session, 10);
    const sink = await world.service.createFile(session, { type: 'audio_file' });
    sink.write('half');
    const stray = await world.storage.create({ sessionId: randomUUID(), resourceId: randomUUID() });
    await stray.finish();
    for (let round = 0; round < 3; round += 1) {
      const { sweep } = await world.core.cleanup.run('orphans');
      expect(sweep).toMatchObject({ files: 3, orphans: 0, deleted: 0 });
    }
    sink.end();
  });

  it('deletes nothing if most files look orphaned', async () => {
    for (let count = 0; count < 101; count += 1) {
      const writer = await world.storage.create({ sessionId: randomUUID(), resourceId: randomUUID() });
      await writer.finish();
    }
    const [, , report] = await world.core.cleanup.runAll({ orphanGraceMs: 0 });
    expect(report?.sweep).toMatchObject({ orphans: 101, deleted: 0, held: true });
    const [, , confirmed] = await world.core.cleanup.runAll({ orphanGraceMs: 0, confirmed: true });
    expect(confirmed?.sweep).toMatchObject({ deleted: 101, held: false });
  });
});

describe('An older copy of the store, restored while no process runs', () => {
  it('is not trusted, even if no cleanup ran in between', async () => {
    const root = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
    const [database, copy] = [join(root, 'sessions.db'), `${root}.db`];
    try {
      await (await World.create('sqlite', {}, { root })).close();
      await copyFile(database, copy);
      const world = await World.create('sqlite', {}, { root });
      await world.open();
      await world.close();
      await copyFile(copy, database);
      const after = await World.create('sqlite', {}, { root });
      expect(await after.storageRoot.room()).toMatchObject({ trusted: false, problem: 'untrusted' });
      await after.close();
    } finally {
      await rm(root, { recursive: true });
      await rm(copy);
    }
  });
});

describe('Cleanup of files that the marker assigns to another store', () => {
  it('deletes nothing, and logs why, until an operator confirms', async () => {
    const world = await World.create('sqlite');
    try {
      const writer = await world.storage.create({ sessionId: randomUUID(), resourceId: randomUUID() });
      await writer.finish();
      const marker = join(world.root, '.nest-sessions.json');
      const fields = JSON.parse(await readFile(marker, 'utf8')) as object;
      await writeFile(marker, JSON.stringify({ ...fields, store: randomUUID() }));
      const [, , held] = await world.core.cleanup.runAll({ orphanGraceMs: 0 });
      expect(held?.sweep).toMatchObject({ orphans: 1, deleted: 0, held: true, trusted: false });
      const [, , looked] = await world.core.cleanup.runAll({
        orphanGraceMs: 0,
        confirmed: true,
        dryRun: true,
      });
      expect(looked?.sweep).toMatchObject({ deleted: 0, trusted: false });
      const [, , confirmed] = await world.core.cleanup.runAll({ orphanGraceMs: 0, confirmed: true });
      expect(confirmed?.sweep).toMatchObject({ deleted: 1, held: false, trusted: true });
    } finally {
      await world.close();
    }
  });
});

describe('A session that became due while no process ran', () => {
  it('ends after the next start, once, with one event', async () => {
    const before = await World.create('sqlite');
    const { session } = await before.open();
    await before.core.quiesce();
    await before.core.stop();
    before.clock.advance(2 * HOUR);
    const after = await World.create('sqlite', {}, before);
    try {
      const ended: string[] = [];
      after.service.events.on('session.ended', ({ sessionId }) => void ended.push(sessionId));
      await after.core.cleanup.runAll();
      await after.core.cleanup.runAll();
      expect(ended).toEqual([session.id]);
      expect(await after.service.totals()).toMatchObject({ open: 0, ending: 0 });
    } finally {
      await after.close();
      await rm(before.root, { recursive: true, force: true });
    }
  });
});

describe('Many sessions due at once', () => {
  it('end in one run, longest due first', async () => {
    const world = await World.create('memory', { maxSessions: 10_000 });
    try {
      const opened: string[] = [];
      for (let count = 0; count < 5000; count += 1) {
        if (count % 500 === 0) world.clock.advance(1000);
        opened.push((await world.open()).session.id);
      }
      world.clock.advance(HOUR);
      const ended: string[] = [];
      world.service.events.on('session.ended', ({ sessionId }) => void ended.push(sessionId));
      expect(await world.core.cleanup.run('idle')).toMatchObject({ items: 5000, failures: 0 });
      expect(new Set(ended.slice(0, 500))).toEqual(new Set(opened.slice(0, 500)));
    } finally {
      await world.close();
    }
  });
});

describe('The remains of a killed process', () => {
  it('are deleted by the first cleanup after its heartbeat stops', async () => {
    const world = await World.create('sqlite');
    const other = await World.create('sqlite', {}, world);
    try {
      const { session } = await other.open();
      const kept = await other.write(session, 10);
      const sink = await other.service.createFile(session, { type: 'audio_file' });
      sink.write(Buffer.alloc(5000));
      await other.service.trackStream(session, { close() {} });
      await other.service.openResource(kept);
      await new Promise((resolve) => setTimeout(resolve, 50));
      world.clock.advance(11_000);
      await world.core.thisProcess.beat();
      await world.core.cleanup.run('orphans');
      const details = await world.service.describe(session);
      expect(details).toMatchObject({
        resourceCount: 1,
        bytesUsed: 10,
        resources: [{ id: kept.id, uses: 0 }],
      });
      const folder = join(world.root, 's', session.id.slice(0, 2), session.id.replaceAll('-', ''));
      expect(await readdir(folder)).toEqual([kept.id.replaceAll('-', '')]);
      sink.destroy();
    } finally {
      await other.close();
      await world.close();
    }
  });
});

describe('Orphans on disk', () => {
  it('are judged by the later of their two times', async () => {
    const world = await World.create('sqlite');
    try {
      const [sessionId, fileId] = [randomUUID(), randomUUID()].map((id) => id.replaceAll('-', ''));
      const path = join(world.root, 's', sessionId?.slice(0, 2) ?? '', sessionId ?? '', fileId ?? '');
      await mkdir(dirname(path), { recursive: true, mode: 0o700 });
      await writeFile(path, 'x', { mode: 0o600 });
      await utimes(path, 0, 0);
      const [, , report] = await world.core.cleanup.runAll();
      expect(report?.sweep).toMatchObject({ files: 1, orphans: 0 });
      expect((await stat(path)).size).toBe(1);
    } finally {
      await world.close();
    }
  });
});

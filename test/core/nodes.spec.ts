import { hasCode } from '#sessions/domain/errors';
import type { World } from '../support/world.js';
import { eventually } from '../support/eventually.js';
import { type Machines, onMachines, SHARED_STORES } from './node-worlds.js';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe.each(SHARED_STORES)('Machines with files of their own, on %s', (_name, share) => {
  let machines: Machines;
  let here: World;
  let there: World;

  onMachines(share, async (given) => {
    machines = given;
    here = await machines.start();
    there = await machines.start();
  });

  async function sessionWithFilesOn(...worlds: World[]) {
    const { session } = await here.open();
    const files = [];
    for (const world of worlds) files.push(await world.write(session, 1000));
    return { session, files };
  }
  const stateOf = async (world: World, { id }: { id: string }) =>
    (await world.store.sessions.find(id))?.state;

  it('record the node of a file, and none for a stream', async () => {
    const { session, files } = await sessionWithFilesOn(here, there);
    const { resourceId } = await there.service.trackStream(session, { close() {} });
    expect(files.map(({ nodeId }) => nodeId)).toEqual([here.storageRoot.id, there.storageRoot.id]);
    expect((await here.store.resources.find(resourceId))?.nodeId).toBeNull();
  });

  it('each delete their own files of a session within a second of its end anywhere', async () => {
    const { session } = await sessionWithFilesOn(here, there);
    await here.service.end(session);
    expect(await machines.filesOf(here)).toEqual([]);
    await eventually(
      'the other machine has done its part',
      async () => (await stateOf(here, session)) === 'ended',
    );
    expect(await machines.filesOf(there)).toEqual([]);
    expect(await here.store.ledger.totals()).toMatchObject({ open: 0, ending: 0 });
  });

  it('end a session with all its files on another node', async () => {
    const { session } = await sessionWithFilesOn(there);
    await here.service.end(session);
    await eventually(
      'the other machine has done its part',
      async () => (await stateOf(here, session)) === 'ended',
    );
    expect(await machines.filesOf(there)).toEqual([]);
  });

  it('wait for each other in a thorough end, and report all deleted files', async () => {
    const { session } = await sessionWithFilesOn(here, there);
    const ended = await here.service.end(session, 'admin', { thorough: true });
    expect(ended).toMatchObject({ resources: 2, bytes: 2000, unfinished: null, pending: null });
    expect([await machines.filesOf(here), await machines.filesOf(there)]).toEqual([[], []]);
  });

  it('are told of when their user is forgotten while a node with some is away', async () => {
    const { session } = await sessionWithFilesOn(here, there);
    await here.service.login(session, 'ada');
    const node = there.storageRoot.id;
    await machines.stop(there);
    expect(await here.service.forget('ada')).toMatchObject({
      sessions: 1,
      pending: { resources: 1, bytes: 1000, nodes: [node] },
    });
  });

  it('leave the files of a node that is away to that node, which deletes them on its return', async () => {
    const { session } = await sessionWithFilesOn(here, there);
    const node = there.storageRoot.id;
    await machines.stop(there);
    const ended = await here.service.end(session, 'admin', { thorough: true });
    expect(ended).toMatchObject({
      resources: 1,
      bytes: 1000,
      pending: { resources: 1, bytes: 1000, nodes: [node] },
    });

    for (let round = 0; round < 3; round += 1) {
      machines.clock.advance(HOUR);
      const reports = await here.core.cleanup.runAll({ orphanGraceMs: 0 });
      expect(reports.map(({ failures, sweep }) => [failures, sweep?.orphans ?? 0])).toEqual([
        [0, 0],
        [0, 0],
        [0, 0],
      ]);
    }
    expect(await machines.filesOf(there)).toHaveLength(1);
    expect(await stateOf(here, session)).toBe('ending');

    const back = await machines.start(there.root);
    await back.core.cleanup.run('orphans');
    expect(await machines.filesOf(back)).toEqual([]);
    expect(await here.store.ledger.totals()).toMatchObject({ ending: 0, ended: { admin: 1 } });
  });

  it('treat no file of another node as lost or orphaned', async () => {
    const { session, files } = await sessionWithFilesOn(here, there);
    for (const world of [here, there, here, there]) {
      machines.clock.advance(MINUTE);
      world.core.finder.touch(session.id, '');
      await world.core.cleanup.run('orphans', { orphanGraceMs: 0 });
    }
    expect([await machines.filesOf(here), await machines.filesOf(there)].flat()).toHaveLength(2);
    expect(await here.store.resources.list([session.id])).toHaveLength(files.length);
  });

  it('refuse to read a file of another node, and record no use of it', async () => {
    const { files } = await sessionWithFilesOn(there);
    const [file] = files;
    if (!file) throw new Error('no file');
    const refused: unknown = await here.service.openResource(file).catch((error: unknown) => error);
    expect(hasCode(refused, 'RESOURCE_ELSEWHERE')).toBe(true);
    expect((await here.store.resources.find(file.id))?.uses).toBe(0);
    (await there.service.openResource(file)).stream.destroy();
  });

  it('evict files of another node: they leave their places at once, and that node deletes them', async () => {
    const small = await machines.start(undefined, { maxBytes: 1500 });
    const { session, files } = await sessionWithFilesOn(there);
    const told: string[] = [];
    small.service.events.on('resource.evicted', ({ resourceId }) => told.push(resourceId));
    machines.clock.advance(1);
    await small.write(session, 1000);
    expect(told).toEqual(files.map(({ id }) => id));
    expect(await small.service.describe(session)).toMatchObject({ resourceCount: 1, bytesUsed: 1000 });
    expect(await machines.filesOf(there)).toHaveLength(1);
    await there.core.cleanup.run('orphans');
    expect(await machines.filesOf(there)).toEqual([]);
    const audio = (await here.store.ledger.totals()).types.find(({ type }) => type === 'audio_file');
    expect(audio).toMatchObject({ active: 1, activeBytes: 1000, evicted: 1 });
  });

  it('finish the work of a dead process on the same node', async () => {
    const { session } = await sessionWithFilesOn(here, there);
    const sibling = await machines.start(there.root);
    jest.spyOn(there.storage, 'discardSession').mockRejectedValue(new Error('EIO'));
    jest.spyOn(there.store.endings, 'leaseEnding').mockResolvedValue([]);
    const lost = jest.spyOn(sibling.storage, 'discardSession').mockRejectedValueOnce(new Error('EIO'));
    await here.service.end(session);
    await eventually('it has failed', async () => lost.mock.calls.length === 1);
    machines.clock.advance(MINUTE);
    await sibling.core.cleanup.run('orphans');
    expect(await stateOf(here, session)).toBe('ended');
    expect(await machines.filesOf(there)).toEqual([]);
  });

  it('forget a silent node, and finish the ends that waited for it', async () => {
    const { session } = await sessionWithFilesOn(there);
    const { session: over } = await sessionWithFilesOn(here, there);
    const node = there.storageRoot.id;
    expect(await here.core.nodes.forget(node)).toBe('live');
    await machines.stop(there);
    await here.service.end(over);
    expect(await here.core.nodes.forget(node)).toBe('live');
    machines.clock.advance(10_000);
    expect(await here.core.nodes.forget(node)).toEqual({ resources: 2, bytes: 2000 });
    expect(await here.core.nodes.forget(node)).toBe('unknown');
    await eventually('it has ended', async () => (await stateOf(here, over)) === 'ended');
    expect(await here.service.describe(session)).toMatchObject({ resourceCount: 0, bytesUsed: 0 });
    expect((await here.core.nodes.list()).map(({ nodeId }) => nodeId)).toContain(here.storageRoot.id);
  });
});

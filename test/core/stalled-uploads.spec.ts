import { finished } from 'node:stream/promises';
import type { FileSink } from '#sessions/core/resources/file-sink';
import { eventually } from '../support/eventually.js';
import type { World } from '../support/world.js';
import { type Machines, onMachines, SHARED_STORES } from './node-worlds.js';

const options = { maxResources: 2 };

describe.each(SHARED_STORES)('An upload that has received nothing, on %s,', (_name, share) => {
  let machines: Machines;
  let here: World;
  let beside: World;
  let elsewhere: World;

  onMachines(share, async (given) => {
    machines = given;
    here = await machines.start(undefined, options);
    beside = await machines.start(here.root, options);
    elsewhere = await machines.start(undefined, options);
  });

  async function begun(world: World, session: { id: string }): Promise<FileSink> {
    const sink = await world.service.createFile(session, { type: 'audio_file' });
    await new Promise((resolve) => sink.write('begun', resolve));
    return sink;
  }

  const failureOf = (sink: FileSink): Promise<unknown> =>
    new Promise((resolve) => sink.once('error', resolve));
  const stateOf = async ({ resourceId }: FileSink): Promise<string | undefined> =>
    (await here.store.resources.find(resourceId))?.state;

  it.each([
    ['on the same machine', () => beside],
    ['on another machine', () => elsewhere],
  ])('for 5 s is cancelled for one that waits for room in another process %s', async (_where, other) => {
    const { session } = await here.open();
    const [stalled, active] = [await begun(other(), session), await begun(other(), session)];
    const failed = failureOf(stalled);
    const waiting = here.service.createFile(session, { type: 'audio_file' });
    machines.clock.advance(4999);
    await new Promise((resolve) => active.write('more', resolve));
    await other().core.sinks.check();
    expect([await stateOf(stalled), stalled.destroyed]).toEqual(['writing', false]);
    machines.clock.advance(1);
    const sink = await waiting;
    expect(await failed).toMatchObject({ code: 'UPLOAD_ABORTED' });
    expect([active.destroyed, sink.destroyed]).toEqual([false, false]);
    await finished(active.end());
    await finished(sink.end('whole'));
    expect(await here.service.describe(session)).toMatchObject({ resourceCount: 2, incomingCount: 0 });
    const ofBoth = other() === beside ? 2 : 1;
    await eventually('its file is gone', async () => (await machines.filesOf(other())).length === ofBoth);
    expect(await machines.filesOf(here)).toHaveLength(ofBoth);
  });

  it('is not cancelled if its bytes arrive again before that, and goes on after a stall that nobody used', async () => {
    const { session } = await here.open();
    const sinks = [await begun(beside, session), await begun(beside, session)];
    machines.clock.advance(4999);
    await beside.core.sinks.check();
    for (const sink of sinks) await new Promise((resolve) => sink.write('more', resolve));
    const waiting = here.service.createFile(session, { type: 'audio_file' });
    waiting.catch(() => {});
    machines.clock.advance(4999);
    await beside.core.sinks.check();
    for (const sink of sinks) await new Promise((resolve) => sink.write('more', resolve));
    machines.clock.advance(1);
    await expect(waiting).rejects.toMatchObject({ code: 'RESOURCES_IN_USE' });
    for (const sink of sinks) await finished(sink.end());
    expect(sinks.map(({ resource }) => resource.sizeBytes)).toEqual([13, 13]);
  });

  it('fails with the next byte if it was cancelled meanwhile', async () => {
    const { session } = await here.open();
    const [stalled, other] = [await begun(beside, session), await begun(beside, session)];
    machines.clock.advance(5000);
    await beside.core.sinks.check();
    await new Promise((resolve) => other.write('more', resolve));
    const sink = await here.service.createFile(session, { type: 'audio_file' });
    const failed = failureOf(stalled);
    stalled.write('late');
    expect(await failed).toMatchObject({ code: 'UPLOAD_ABORTED' });
    expect(await stateOf(stalled)).toBeUndefined();
    for (const each of [sink, other]) each.destroy();
  });
});

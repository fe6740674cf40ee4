import { once } from 'node:events';
import * as fc from 'fast-check';
import { codeOf, Command, outcomeOf, same, until } from './command.ts';
import type { FileSink } from '../../../libs/sessions/dist/core/resources/file-sink.js';
import { putAway, take, takeSession, type World } from './hands.ts';
import { LIMITS, type PlainModel, type PlainResource, type PlainSession, type Which } from './plain-model.ts';
import type { Pair } from './pair.ts';
import { index, often, which } from './session-commands.ts';

const TYPE = 'audio_file';
/** What a write into a session that is over, or a resource that was let go, may be told. */
const CUT_OFF = [
  'SESSION_GONE',
  'RESOURCE_GONE',
  'RESOURCE_TOO_LARGE',
  'UPLOAD_ABORTED',
  'ERR_STREAM_DESTROYED',
];
const WAIT_MS = 5000;

const bytes = fc.oneof(fc.integer({ min: 1, max: 60 }), fc.constantFrom(99, 100, 101));
const hasSession = ({ sessions }: World): boolean => sessions.length > 0;
const hasUpload = ({ uploads }: World): boolean => uploads.length > 0;
const hasDownload = ({ downloads }: World): boolean => downloads.length > 0;
const hasStream = ({ streams }: World): boolean => streams.length > 0;
const hasResource = ({ model }: World): boolean => model.resources.length > 0;

export const resourceCommands = [
  ...often(fc.tuple(which, index).map((args) => reserve(...args))),
  ...often(fc.tuple(index, bytes).map((args) => write(...args))),
  ...often(fc.tuple(index).map((args) => complete(...args))),
  fc.tuple(index).map((args) => abort(...args)),
  ...often(fc.tuple(which, index).map((args) => use(...args))),
  ...often(fc.tuple(index, fc.boolean()).map((args) => unuse(...args))),
  fc.tuple(which, index).map((args) => track(...args)),
  fc.tuple(index).map((args) => untrack(...args)),
  fc.tuple(which, index).map((args) => release(...args)),
];

export function reserve(by: Which, chosen: number): Command {
  return new Command('reserve', [by, chosen], hasSession, async (world, pair) => {
    const { cores } = pair;
    const { model, uploads } = world;
    const { plain: session, real } = takeSession(world, chosen);
    // By its id: what a new token cuts off is tried by the campaigns `logins` and `cut-offs`.
    const asking = outcomeOf(cores[by].service.createFile({ id: real.id }, { type: TYPE }));
    model.takesUp(by);
    const askedAt = model.now;
    const isOpen = session.state === 'open';
    const fits = !isOpen || (model.admit(session, 1, 0) && !model.breaksQuota(session, 1, 0));
    if (!fits) await letTimePassUntil(asking, world, pair);
    const outcome = await asking;
    if (!isOpen) return same(outcome, { rejected: 'SESSION_GONE' }, 'Reserving');
    const noticedBy = noticed(model, 'rejected' in outcome ? outcome.rejected : null);
    if (!fits && !model.admit(session, 1, 0, undefined, await hasGone(session, pair), noticedBy))
      return same(outcome, { rejected: 'RESOURCES_IN_USE' }, 'Reserving');
    if (model.breaksQuota(session, 1, 0)) return same(outcome, { rejected: 'QUOTA_REACHED' }, 'Reserving');
    if ('rejected' in outcome) throw new Error(`Reserving: ${outcome.rejected}`);
    const sink = outcome.answer;
    sink.on('error', () => {});
    const plain = model.reserved(sink.resourceId, session, TYPE, by, askedAt);
    plain.waitsSince = waitsSince(sink, pair);
    uploads.push({ plain, sink, closed: new Promise((resolve) => sink.once('close', resolve)) });
  });
}

function write(chosen: number, size: number): Command {
  return new Command('write', [chosen, size], hasUpload, async (world, pair) => {
    const { model, uploads } = world;
    const upload = take(uploads, chosen);
    const { plain, sink, closed } = upload;
    if (model.isLate(plain.session)) return;
    const writing = new Promise<string>((resolve) => {
      sink.write(Buffer.alloc(size, 1), (error) => resolve(error ? codeOf(error) : 'written'));
    });
    if (!sink.destroyed) model.touch(plain.session, plain.by, 0);
    const expected = expectWrite(world, plain, size);
    const beatAt = await pair.beatAt(plain.by);
    if (expected === 'wait' || expected === 'quota') await letTimePassUntil(writing, world, pair);
    const outcome = await writing;
    const noticedBy = noticed(model, outcome);
    const isAdmitted =
      expected === 'wait' &&
      model.admit(plain.session, 0, size, plain, await hasGone(plain.session, pair), noticedBy);
    const isAtQuota = isAdmitted && model.breaksQuota(plain.session, 0, size);
    const isIn = isAdmitted && !isAtQuota;
    if (outcome === 'written') {
      same(expected === 'written' || isIn, true, 'Writing is possible');
      plain.sizeBytes += size;
      plain.waitsSince = waitsSince(sink, pair);
      return;
    }
    await noticeBeat(world, pair, plain.by, beatAt);
    if (isIn || ![...REFUSALS[isAtQuota ? 'quota' : expected], ...lost(world, plain)].includes(outcome))
      throw new Error(`Writing: ${outcome}, and not ${expected}`);
    await closed;
    if (model.isHeld(plain)) model.drop(plain, 'released');
    putAway(uploads, upload);
  });
}

/** A process that is refused a write may ask the store whether it is still listed, which takes a heartbeat. */
async function noticeBeat({ model }: World, pair: Pair, by: Which, before: number | null): Promise<void> {
  if ((await pair.beatAt(by)) !== before) model.beat(by);
}

/** By the sink itself: while somebody waits for it, time goes on beside the model. */
function waitsSince(sink: FileSink, { clock }: Pair): number {
  const { waitsSince } = sink as FileSink & { waitsSince: number | null };
  return clock.now() - clock.monotonic() + (waitsSince ?? clock.monotonic());
}

/** What a process is told besides that stood still for so long that the other one gave up its files. */
function lost({ model }: World, { by }: PlainResource): readonly string[] {
  return model.processes[by].wasBuried ? ['STORAGE_UNAVAILABLE'] : [];
}

/** Others stall meanwhile, and are cancelled; if that makes no room either, it is refused. */
async function letTimePassUntil(writing: Promise<unknown>, { model }: World, pair: Pair): Promise<void> {
  let isDone = false;
  void writing.then(() => (isDone = true));
  while (!isDone) {
    await new Promise((resolve) => setTimeout(resolve, 20));
    await pair.letPass(WAIT_MS);
    model.now += WAIT_MS;
  }
}

/** What stalls in the very step of time in which a wait ends may be noted too late for it. */
function noticed(model: PlainModel, outcome: string | null): number {
  return outcome === 'RESOURCES_IN_USE' ? model.now - WAIT_MS : model.now;
}

/** Which resources of the session the store has no more. */
async function hasGone({ id }: PlainSession, { cores }: Pair): Promise<(resource: PlainResource) => boolean> {
  const kept = new Set((await cores[0].store.resources.list([id])).map((resource) => resource.id));
  return (resource) => !kept.has(resource.id);
}

type WriteOutcome = 'written' | 'gone' | 'wait' | 'quota' | 'RESOURCE_TOO_LARGE';

const REFUSALS: Readonly<Record<WriteOutcome, readonly string[]>> = {
  written: [],
  gone: CUT_OFF,
  wait: ['RESOURCES_IN_USE'],
  quota: ['QUOTA_REACHED'],
  RESOURCE_TOO_LARGE: ['RESOURCE_TOO_LARGE'],
};

function expectWrite({ model }: World, resource: PlainResource, size: number): WriteOutcome {
  if (!model.isHeld(resource)) return 'gone';
  if (resource.sizeBytes + size > LIMITS.maxBytes) return 'RESOURCE_TOO_LARGE';
  if (!model.admit(resource.session, 0, size, resource)) return 'wait';
  return model.breaksQuota(resource.session, 0, size) ? 'quota' : 'written';
}

function complete(chosen: number): Command {
  return new Command('complete', [chosen], hasUpload, async (world, pair) => {
    const { model, uploads } = world;
    const upload = take(uploads, chosen);
    const { plain, sink, closed } = upload;
    if (model.isLate(plain.session)) return;
    putAway(uploads, upload);
    const beatAt = await pair.beatAt(plain.by);
    sink.end();
    await closed;
    await noticeBeat(world, pair, plain.by, beatAt);
    if (sink.errored || !model.isHeld(plain)) {
      if (model.isHeld(plain) || ![...CUT_OFF, ...lost(world, plain)].includes(codeOf(sink.errored))) {
        throw new Error(`Completing: ${codeOf(sink.errored)}`);
      }
      return;
    }
    same(sink.resource.sizeBytes, plain.sizeBytes, 'The size is');
    plain.lastUsedAt = Math.max(plain.lastUsedAt, model.now);
    model.place(plain);
    if (plain.overdrawnAt === null) model.placeOverdrawn(plain.session);
    model.touch(plain.session, plain.by, 0);
  });
}

function abort(chosen: number): Command {
  return new Command('abort', [chosen], hasUpload, async ({ model, uploads }) => {
    const upload = take(uploads, chosen);
    putAway(uploads, upload);
    upload.sink.destroy();
    await upload.closed;
    if (model.isHeld(upload.plain)) model.drop(upload.plain, 'released');
  });
}

/** Mostly a file that is all there. */
function takeResource({ resources }: PlainModel, chosen: number): PlainResource {
  const files = resources.filter(({ state, type }) => state === 'ready' && type === TYPE);
  return take(chosen % 4 > 0 && files.length > 0 ? files : resources, Math.floor(chosen / 4));
}

function use(by: Which, chosen: number): Command {
  return new Command('use', [by, chosen], hasResource, async ({ model, downloads }, { cores }) => {
    const plain = takeResource(model, chosen);
    if (model.whyOver(plain.session, [by]) !== null) return;
    const outcome = await outcomeOf(cores[by].service.openResource({ id: plain.id }));
    model.takesUp(by);
    if (plain.state !== 'ready' || plain.type === 'stream') {
      // Of a stream there is nothing to read: its use is noted, and at once ended.
      if (plain.type === 'stream') plain.lastUsedAt = model.now;
      return same(outcome, { rejected: 'RESOURCE_GONE' }, 'Using');
    }
    if ('rejected' in outcome) throw new Error(`Using: ${outcome.rejected}`);
    const { stream } = outcome.answer;
    stream.on('error', () => {});
    plain.uses[by] += 1;
    plain.lastUsedAt = model.now;
    downloads.push({ plain, by, opened: outcome.answer });
    if (plain.sizeBytes === 0) return;
    await once(stream, 'readable');
    model.touch(plain.session, by, 0);
  });
}

function unuse(chosen: number, toTheEnd: boolean): Command {
  return new Command('unuse', [chosen, toTheEnd], hasDownload, async ({ model, downloads }, { cores }) => {
    const download = take(downloads, chosen);
    const { plain, by, opened } = download;
    putAway(downloads, download);
    if (toTheEnd && !opened.stream.destroyed) {
      const chunks = await opened.stream.toArray();
      same(Buffer.concat(chunks).equals(Buffer.alloc(plain.sizeBytes, 1)), true, 'Its bytes are right');
    } else opened.stream.destroy();
    if (!model.isHeld(plain)) return;
    if (plain.uses[by] > 0) {
      plain.uses[by] -= 1;
      plain.lastUsedAt = Math.max(plain.lastUsedAt, model.now);
    }
    const { store } = cores[by];
    const expected = plain.uses[0] + plain.uses[1];
    model.placeOverdrawn(plain.session);
    const overdrawn = plain.session.resources.filter(({ overdrawnAt }) => overdrawnAt !== null).length;
    await until(async () => {
      const held = await store.resources.list([plain.session.id]);
      const isUnused = held.every(({ id, uses, state }) => {
        return (id !== plain.id || uses === expected) && state !== 'releasing';
      });
      return isUnused && held.filter((resource) => resource.overdrawn).length === overdrawn;
    }, 'the use is ended, and what went for a file that waited is deleted');
  });
}

function track(by: Which, chosen: number): Command {
  return new Command('track', [by, chosen], hasSession, async (world, { cores }) => {
    const { model, streams } = world;
    const { plain: session, real } = takeSession(world, chosen);
    const closedFor: string[] = [];
    const outcome = await outcomeOf(
      cores[by].service.trackStream({ id: real.id }, { close: (reason) => void closedFor.push(reason) }),
    );
    model.takesUp(by);
    if (session.state !== 'open') return same(outcome, { rejected: 'SESSION_GONE' }, 'Tracking');
    if (model.streamsOf(session) >= LIMITS.maxStreams)
      return same(outcome, { rejected: 'STREAMS_FULL' }, 'Tracking');
    if ('rejected' in outcome) throw new Error(`Tracking: ${outcome.rejected}`);
    const plain = model.reserved(outcome.answer.resourceId, session, 'stream', by);
    streams.push({ plain, tracked: outcome.answer, closedFor });
  });
}

function untrack(chosen: number): Command {
  return new Command('untrack', [chosen], hasStream, async ({ model, streams }) => {
    const stream = take(streams, chosen);
    putAway(streams, stream);
    await stream.tracked.release();
    if (model.isHeld(stream.plain)) model.drop(stream.plain, 'released');
  });
}

function release(by: Which, chosen: number): Command {
  return new Command('release', [by, chosen], hasResource, async ({ model }, { cores }: Pair) => {
    const plain = takeResource(model, chosen);
    const { id } = plain;
    same(await cores[by].service.release({ id }), true, 'Releasing is possible');
    model.drop(plain, 'released');
  });
}

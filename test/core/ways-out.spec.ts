import { randomBytes, randomUUID } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  readFileSync,
  readdirSync,
  renameSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { extname, join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { finished } from 'node:stream/promises';
import { SessionsError } from '#sessions/domain/errors';
import type { ResourceRecord } from '#sessions/domain/resource';
import type { Session } from '#sessions/core/handles/session';
import { eventually } from '../support/eventually.js';
import { STORES, World } from '../support/world.js';

const CONTENT = randomBytes(50_000);

/** A promise, and what settles it. */
function gate(): { readonly passed: Promise<void>; open: () => void } {
  const { promise, resolve } = Promise.withResolvers<void>();
  return { passed: promise, open: resolve };
}

describe.each(STORES)('Files on their way out, on %s', (store) => {
  let world: World;
  let session: Session;
  let file: ResourceRecord;
  let folder: string;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'claimed-'));
    world = await World.create(store, { maxResources: 3, claimTo: [folder] });
    ({ session } = await world.open());
    file = await world.write(session, CONTENT);
  });
  afterEach(async () => {
    await world.close();
    await rm(folder, { recursive: true });
  });

  const target = (name = 'answer.wav'): string => join(folder, name);
  const held = async () => (await world.service.describe({ id: session.id }))?.resources.map(({ id }) => id);
  const usesOf = async ({ id }: ResourceRecord) => (await world.store.resources.find(id))?.uses;

  describe('withFile', () => {
    it('lends a path with the bytes, answers what the work does, and takes the path back', async () => {
      let lent = '';
      const size = await world.service.withFile(file, (path) => {
        lent = path;
        return readFileSync(path).equals(CONTENT) ? 'equal' : 'different';
      });
      expect([size, existsSync(lent), await usesOf(file)]).toEqual(['equal', false, 0]);
    });

    it('takes the path back when the work fails, and fails as it does', async () => {
      let lent = '';
      const failing = world.service.withFile(file, (path) => {
        lent = path;
        throw new Error('ffmpeg failed');
      });
      await expect(failing).rejects.toThrow('ffmpeg failed');
      expect([existsSync(lent), await usesOf(file)]).toEqual([false, 0]);
    });

    it.each([
      ['audio/webm;codecs=opus', '.webm'],
      ['AUDIO/X-WAV', '.wav'],
      ['image/jpeg', '.jpg'],
      ['application/x-sh', '.bin'],
      ['constructor', '.bin'],
    ])('names it by its media type %s: %s', async (mediaType, extension) => {
      const sink = await world.service.createFile(session, {
        type: 'audio_file',
        mediaType,
        fileName: 'evil.exe',
      });
      sink.end('x');
      await finished(sink);
      expect(await world.service.withFile(sink.resource, extname)).toBe(extension);
    });

    it('is a use: the file is not evicted meanwhile', async () => {
      const [others, mayEnd] = [[] as string[], gate()];
      const using = world.service.withFile(file, () => mayEnd.passed);
      while ((await usesOf(file)) !== 1) await new Promise(setImmediate);
      for (let count = 0; count < 3; count += 1) {
        world.clock.advance(1000);
        // oxlint-disable-next-line no-await-in-loop -- one after the other
        others.push((await world.write(session, 10)).id);
      }
      expect(await held()).toEqual([file.id, ...others.slice(1)]);
      mayEnd.open();
      await using;
    });

    it('is cut off by the end of the session: the path goes at once, the signal is aborted', async () => {
      const [isLent, mayEnd] = [gate(), gate()];
      const seen: { path?: string; signal?: AbortSignal } = {};
      const using = world.service.withFile({ id: file.id }, async (path, signal) => {
        Object.assign(seen, { path, signal });
        isLent.open();
        await mayEnd.passed;
        return 'done';
      });
      await isLent.passed;
      await world.service.end(session);
      expect(seen.signal?.aborted).toBe(true);
      await eventually('the path is gone', async () => !existsSync(seen.path ?? ''));
      expect(seen.signal?.reason).toMatchObject({ code: 'SESSION_GONE' });
      mayEnd.open();
      await expect(using).rejects.toMatchObject({ code: 'SESSION_GONE' });
    });

    it('is cut off by a new token if begun with a Session, and goes on if begun with an id', async () => {
      const { session: own, token } = await world.open();
      const other = await world.write(own, 10);
      const found = await world.service.findResource(await world.again(token), other.id);
      const mayEnd = gate();
      const lent = [gate(), gate()];
      const signals: AbortSignal[] = [];
      const work = (index: number) => async (_path: string, signal: AbortSignal) => {
        signals[index] = signal;
        lent[index]?.open();
        await mayEnd.passed;
        return 'done';
      };
      const byObject = world.service.withFile(found!, work(0));
      const byId = world.service.withFile({ id: other.id }, work(1));
      byObject.catch(() => {});
      await Promise.all(lent.map(({ passed }) => passed));
      await world.service.regenerate(own);
      expect(signals.map(({ aborted }) => aborted)).toEqual([true, false]);
      mayEnd.open();
      await expect(byObject).rejects.toMatchObject({ code: 'SESSION_STALE' });
      expect(await byId).toBe('done');
    });

    it('refuses what is released, a stream, and a session that is over', async () => {
      const stream = await world.service.trackStream(session, { close: () => {} });
      const lend = (id: string): Promise<void> => world.service.withFile({ id }, () => {});
      await expect(lend(stream.resourceId)).rejects.toMatchObject({ code: 'RESOURCE_GONE' });
      await expect(lend(randomUUID())).rejects.toMatchObject({ code: 'RESOURCE_GONE' });
      await expect(lend('../x')).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      const ofNone = { id: file.id, sessionId: 1n as unknown as string };
      await expect(world.service.withFile(ofNone, () => {})).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
      });
      const noWork = world.service.withFile(file, undefined as unknown as () => void);
      await expect(noWork).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      await world.service.end(session);
      await expect(lend(file.id)).rejects.toMatchObject({ code: 'RESOURCE_GONE' });
    });
  });

  describe('claim', () => {
    it('moves the file out of the session, which has it no more', async () => {
      const released: string[] = [];
      world.service.events.on('resource.released', ({ resourceId }) => released.push(resourceId));
      await world.service.claim(file, target());
      expect(readFileSync(target()).equals(CONTENT)).toBe(true);
      expect(readdirSync(folder)).toEqual(['answer.wav']);
      expect(await world.service.describe(session)).toMatchObject({ resourceCount: 0, bytesUsed: 0 });
      expect(released).toEqual([file.id]);
      await expect(world.service.openResource(file)).rejects.toMatchObject({ code: 'RESOURCE_GONE' });
    });

    it('outlives the session', async () => {
      await world.service.claim(file, target());
      await world.service.end(session, 'admin', { thorough: true });
      expect(readFileSync(target()).equals(CONTENT)).toBe(true);
    });

    it('never replaces a file: that of the session stays', async () => {
      writeFileSync(target(), 'mine');
      await expect(world.service.claim(file, target())).rejects.toMatchObject({ code: 'FILE_EXISTS' });
      expect([readFileSync(target(), 'utf8'), await held(), await usesOf(file)]).toEqual([
        'mine',
        [file.id],
        0,
      ]);
      await world.service.claim(file, target('other.wav'));
      expect(readdirSync(folder).toSorted()).toEqual(['answer.wav', 'other.wav']);
    });

    it('refuses a path outside, and leaves the file where it is', async () => {
      const outside = world.service.claim(file, join(folder, '..', 'answer.wav'));
      await expect(outside).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
      expect(await held()).toEqual([file.id]);
    });

    it('of several at once takes one file to one place', async () => {
      const names = ['a', 'b', 'c', 'd'];
      const claims = names.map((name) => world.service.claim(file, target(name)));
      const outcomes = await Promise.allSettled(claims);
      const codes = outcomes.map((outcome) =>
        outcome.status === 'fulfilled' ? 'claimed' : (outcome.reason as SessionsError).code,
      );
      expect(codes.filter((code) => code === 'claimed')).toHaveLength(1);
      expect(codes.filter((code) => code !== 'claimed')).toEqual(
        expect.not.arrayContaining([expect.not.stringMatching(/^(RESOURCE_GONE|RESOURCES_IN_USE)$/)]),
      );
      expect(readdirSync(folder)).toEqual([names[codes.indexOf('claimed')]]);
      expect(await held()).toEqual([]);
    });

    it('takes a file in use: reads under way go on, also those through a lent path', async () => {
      const { stream } = await world.service.openResource(file);
      await world.service.withFile(file, async (path) => {
        await world.service.claim(file, target());
        expect(readFileSync(path).equals(CONTENT)).toBe(true);
      });
      expect((await buffer(stream)).equals(CONTENT)).toBe(true);
      expect(readFileSync(target()).equals(CONTENT)).toBe(true);
    });

    it('refuses what was claimed or released before, a stream, and a session that is over', async () => {
      const refused = async (id: string): Promise<void> =>
        expect(world.service.claim({ id }, target(randomUUID()))).rejects.toMatchObject({
          code: 'RESOURCE_GONE',
        });
      await world.service.claim(file, target());
      await refused(file.id);
      const [released, last] = [await world.write(session, 10), await world.write(session, 10)];
      await world.service.release(released);
      await refused(released.id);
      await refused((await world.service.trackStream(session, { close: () => {} })).resourceId);
      await world.service.end(session);
      await refused(last.id);
      expect(readdirSync(folder)).toEqual(['answer.wav']);
    });

    it('refuses a file that was found with a Session whose token was replaced', async () => {
      const { session: own, token } = await world.open();
      const other = await world.write(own, 10);
      const found = await world.service.findResource(await world.again(token), other.id);
      await world.service.regenerate(own);
      await expect(world.service.claim(found!, target())).rejects.toMatchObject({ code: 'SESSION_STALE' });
      expect(readdirSync(folder)).toEqual([]);
    });

    it('takes a file out of its batch before the batch is placed', async () => {
      const batch = await world.service.beginBatch(session, 0);
      for (const text of ['first', 'second']) {
        // oxlint-disable-next-line no-await-in-loop -- in order
        const sink = await batch.createFile({ type: 'audio_file' });
        sink.end(text);
        // oxlint-disable-next-line no-await-in-loop -- in order
        await finished(sink);
      }
      const [first, second] = batch.files;
      await world.service.claim(first!, target());
      await batch.place();
      expect(new Set(await held())).toEqual(new Set([file.id, second?.id]));
      expect(readFileSync(target(), 'utf8')).toBe('first');
    });

    it('leaves nothing if the session ends before the file has its path', async () => {
      const { claims } = world.storageRoot;
      const prepare = claims.prepare.bind(claims);
      jest.spyOn(claims, 'prepare').mockImplementationOnce(async (...args) => {
        const claim = await prepare(...args);
        await world.service.end({ id: session.id });
        return claim;
      });
      await expect(world.service.claim({ id: file.id }, target())).rejects.toMatchObject({
        code: expect.stringMatching(/^(SESSION_GONE|RESOURCE_GONE)$/) as string,
      });
      expect(readdirSync(folder)).toEqual([]);
    });

    it('is done if the store fails once the file has its path: the next cleanup removes it from the session', async () => {
      jest
        .spyOn(world.store.releases, 'beginRelease')
        .mockRejectedValueOnce(new SessionsError('STORE_UNAVAILABLE', 'away'));
      await world.service.claim(file, target());
      expect(await held()).toEqual([file.id]);
      await world.core.cleanup.runAll();
      expect(await held()).toEqual([]);
      expect(readdirSync(folder)).toEqual(['answer.wav']);
      expect(readFileSync(target()).equals(CONTENT)).toBe(true);
    });
  });
});

describe('Files on their way out of two processes', () => {
  let here: World;
  let there: World;
  let folder: string;
  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'claimed-'));
    here = await World.create('sqlite', { claimTo: [folder] });
    there = await World.create('sqlite', { claimTo: [folder] }, here);
  });
  afterEach(async () => {
    await there.close();
    await here.close();
    await rm(folder, { recursive: true });
  });

  it('are claimed by one of them', async () => {
    const { session } = await here.open();
    for (let round = 0; round < 5; round += 1) {
      const { id } = await here.write(session, CONTENT);
      const paths = [join(folder, `${round}-here`), join(folder, `${round}-there`)] as const;
      const outcomes = await Promise.allSettled([
        here.service.claim({ id }, paths[0]),
        there.service.claim({ id }, paths[1]),
      ]);
      expect(outcomes.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected']);
      expect(paths.map(existsSync)).toEqual(outcomes.map(({ status }) => status === 'fulfilled'));
    }
    expect(await here.service.describe(session)).toMatchObject({ resourceCount: 0, bytesUsed: 0 });
  });

  describe('one of which died', () => {
    const dead = randomUUID();
    const begin = async (world: World, file: ResourceRecord) =>
      world.storageRoot.claims.prepare(
        world.storage,
        { sessionId: file.sessionId, resourceId: file.id },
        join(folder, 'answer.wav'),
        dead,
      );

    it('stay in the session if they had no path yet', async () => {
      const { session } = await here.open();
      const file = await here.write(session, CONTENT);
      await begin(there, file);
      expect((await here.core.cleanup.runAll()).map(({ lastError }) => lastError)).toEqual([
        null,
        null,
        null,
      ]);
      expect(readdirSync(folder)).toEqual([]);
      expect(await here.service.findResource(session, file.id)).toMatchObject({ state: 'ready' });
      await here.service.claim(file, join(folder, 'answer.wav'));
    });

    it('leave the session if they had their path', async () => {
      const { session } = await here.open();
      const file = await here.write(session, CONTENT);
      await (await begin(there, file)).place();
      await here.core.cleanup.runAll();
      expect(readdirSync(folder)).toEqual(['answer.wav']);
      expect(readFileSync(join(folder, 'answer.wav')).equals(CONTENT)).toBe(true);
      expect(await here.service.describe(session)).toMatchObject({ resourceCount: 0, bytesUsed: 0 });
    });

    it('leave the session also if the application has moved them on since, with the mode that it gave them', async () => {
      const { session } = await here.open();
      const file = await here.write(session, CONTENT);
      await (await begin(there, file)).place();
      const moved = join(folder, 'moved.wav');
      renameSync(join(folder, 'answer.wav'), moved);
      expect(statSync(moved).mode & 0o777).toBe(0o600);
      chmodSync(moved, 0o644);
      await here.core.cleanup.runAll();
      expect(readdirSync(folder)).toEqual(['moved.wav']);
      expect(statSync(moved).mode & 0o777).toBe(0o644);
      expect(await here.service.describe(session)).toMatchObject({ resourceCount: 0, bytesUsed: 0 });
    });

    it('are not stored any more, though a power cut has brought back what the store has no record of', async () => {
      const { session } = await here.open();
      const file = await here.write(session, CONTENT);
      await (await begin(there, file)).place();
      const remove = jest.spyOn(here.storage, 'remove').mockResolvedValueOnce();
      await here.service.release(file);
      const key = { sessionId: session.id, resourceId: file.id };
      const back = await here.storage.read(key);
      back?.destroy();
      expect([remove.mock.calls.length, back === null]).toEqual([1, false]);
      await here.core.cleanup.runAll();
      expect(await here.storage.read(key)).toBeNull();
      expect(readFileSync(join(folder, 'answer.wav')).equals(CONTENT)).toBe(true);
    });

    it('leave no lent path; those of the living stay', async () => {
      const { session } = await here.open();
      const file = await here.write(session, CONTENT);
      const key = { sessionId: session.id, resourceId: file.id };
      const left = await there.storageRoot.lentFiles.lend(there.storage, key, {
        owner: dead,
        extension: 'wav',
      });
      await there.service.withFile({ id: file.id }, async (path) => {
        await here.core.cleanup.runAll();
        expect([existsSync(left?.path ?? ''), existsSync(path)]).toEqual([false, true]);
      });
      expect(readdirSync(join(here.root, 'tmp'))).toEqual([]);
    });
  });
});

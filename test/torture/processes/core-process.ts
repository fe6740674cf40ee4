// A process of the product without HTTP: what a server or a command does beneath it.
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Logger } from '@nestjs/common';
import { resolveConfig, SessionsError, type SessionsOptions } from 'nest-sessions';
import type { SessionsCore } from '../../../libs/sessions/dist/core/core.js';
import { AnchoredClock } from '../../../libs/sessions/dist/core/clock/system-clock.js';
import type { FileBatch } from '../../../libs/sessions/dist/core/resources/file-batch.js';
import { startCore } from '../../../libs/sessions/dist/assembly/start-core.js';
import { seededRandom } from '../random.ts';
import { aboutItself, answerQuestions } from './answering.ts';

export interface CoreSetUp {
  readonly role: 'server' | 'cli';
  readonly options: SessionsOptions;
}

export interface UploadsAsked {
  readonly sessionId: string;
  readonly uploads: number;
  readonly seed: number;
  /** Of the largest file that is tried. */
  readonly mostBytes: number;
  /** How long the disk takes at most to delete a file. */
  readonly slowMs: number;
}

/** How often each end came: `placed`, `read`, `aborted`, `refused by its handler`, or the code of an error. */
export type Outcomes = Record<string, number>;

const CLIENT = { ipAddress: '192.0.2.1', userAgent: 'torture' };
const NOISE = randomBytes(1024 * 1024);
let core: SessionsCore;
let removalMs = (): number => 0;

answerQuestions(
  {
    ...aboutItself,
    async start({ role, options }: CoreSetUp) {
      const config = resolveConfig(options, {});
      const clock = new AnchoredClock();
      core = await startCore({ config, clock, role, logFor: (part) => new Logger(part) });
      const { storage } = core;
      const remove = storage.remove.bind(storage);
      storage.remove = async (file) => {
        await sleep(removalMs());
        return remove(file);
      };
    },
    async open() {
      const opening = await core.service.open(CLIENT);
      if (opening.kind !== 'opened') throw new Error(`not opened: ${opening.reason}`);
      return opening.session.id;
    },
    async upload({ sessionId, uploads, seed, mostBytes, slowMs }: UploadsAsked) {
      const random = seededRandom(seed);
      removalMs = () => random() * slowMs;
      const plans = Array.from({ length: uploads }, () => planOf(random, mostBytes));
      const outcomes: Outcomes = {};
      const ends = await Promise.all(plans.map((plan) => uploadOne(sessionId, plan)));
      for (const end of ends) outcomes[end] = (outcomes[end] ?? 0) + 1;
      return outcomes;
    },
    async end(sessionId: string) {
      const endedAt = Date.now();
      const ended = await core.service.end({ id: sessionId }, 'admin', { thorough: true });
      return { endedAt, wasLive: ended !== null, unfinished: ended?.unfinished?.message ?? null };
    },
  },
  async () => {
    await core.quiesce();
    await core.stop();
  },
);

interface UploadPlan {
  /** The sizes of the files of one request. */
  readonly files: readonly number[];
  readonly chunkBytes: number;
  readonly waitsBefore: number;
  /** Whether it pauses between its chunks, as a network does. */
  readonly isSlow: boolean;
  /** What becomes of it; of some, after a while. */
  readonly fate: 'placed' | 'aborted' | 'refused by its handler' | 'read';
  readonly handlerMs: number;
}

function planOf(random: () => number, mostBytes: number): UploadPlan {
  const fate = random();
  const isBatch = random() < 0.3;
  const most = isBatch ? mostBytes / 3 : mostBytes;
  const fates = ['aborted', 'refused by its handler', 'read'] as const;
  return {
    files: Array.from({ length: isBatch ? 2 : 1 }, () => Math.floor(random() ** 4 * most)),
    chunkBytes: 1 + Math.floor(random() * 256 * 1024),
    waitsBefore: Math.floor(random() ** 2 * 500),
    isSlow: random() < 0.3,
    fate: fates[Math.floor(fate * 7)] ?? 'placed',
    handlerMs: Math.floor(random() ** 2 * 100),
  };
}

/** As an upload route does it. Nobody knows how long a file will be: its bytes come as they come. */
async function uploadOne(sessionId: string, plan: UploadPlan): Promise<string> {
  await sleep(plan.waitsBefore);
  if (plan.fate === 'read') return readOne(sessionId, plan);
  const batch = await beginBatch(sessionId);
  try {
    for (const bytes of plan.files) {
      const sink = await batch.createFile({ type: 'audio_file' });
      const isCut = plan.fate === 'aborted' && bytes === plan.files.at(-1);
      if (isCut) setTimeout(() => sink.destroy(new Error('aborted')), plan.handlerMs);
      await pipeline(Readable.from(chunksOf(plan, bytes), { objectMode: false }), sink);
    }
    await sleep(plan.handlerMs);
    if (plan.fate !== 'placed') throw new Error(plan.fate);
    await batch.place();
    return 'placed';
  } catch (error) {
    await batch.abandon();
    return error instanceof SessionsError ? error.code : plan.fate;
  }
}

/** As the interceptor of uploads begins one: it is no part of the public types. */
function beginBatch(sessionId: string): Promise<FileBatch> {
  const service = core.service as unknown as {
    beginBatch(session: object, bytes: number): Promise<FileBatch>;
  };
  return service.beginBatch({ id: sessionId }, 0);
}

/** Reads one of the files that are there, slowly: meanwhile it cannot be evicted. */
async function readOne(sessionId: string, { handlerMs }: UploadPlan): Promise<string> {
  const resources = await core.store.resources.list([sessionId]);
  const file = resources.find(({ state }) => state === 'ready');
  try {
    if (file) {
      const { stream } = await core.service.openResource(file);
      stream.on('error', () => {});
      await sleep(handlerMs * 3);
      stream.destroy();
    }
  } catch (error) {
    if (!(error instanceof SessionsError) || error.code !== 'RESOURCE_GONE') throw error;
  }
  return 'read';
}

async function* chunksOf({ chunkBytes, isSlow }: UploadPlan, bytes: number): AsyncGenerator<Buffer> {
  for (let sent = 0; sent < bytes; sent += chunkBytes) {
    if (isSlow) await sleep(2);
    yield NOISE.subarray(0, Math.min(chunkBytes, bytes - sent));
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

// A process of the product without HTTP: what a server or a command does beneath it.
import { randomBytes } from 'node:crypto';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Logger } from '@nestjs/common';
import { resolveConfig, SessionsError, type SessionsOptions } from 'nest-sessions';
import type { SessionsCore } from '../../../libs/sessions/dist/core/core.js';
import { AnchoredClock } from '../../../libs/sessions/dist/core/process/system-clock.js';
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
}

/** How often each end came: `settled`, or the code of an error. */
export type Outcomes = Record<string, number>;

const CLIENT = { ipAddress: '192.0.2.1', userAgent: 'torture' };
const NOISE = randomBytes(1024 * 1024);
let core: SessionsCore;

answerQuestions(
  {
    ...aboutItself,
    async start({ role, options }: CoreSetUp) {
      const config = resolveConfig(options, {});
      const clock = new AnchoredClock();
      core = await startCore({ config, clock, role, logFor: (part) => new Logger(part) });
    },
    async open() {
      const opening = await core.service.open(CLIENT);
      if (opening.kind !== 'opened') throw new Error(`not opened: ${opening.reason}`);
      return opening.session.id;
    },
    async upload({ sessionId, uploads, seed, mostBytes }: UploadsAsked) {
      const random = seededRandom(seed);
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
  readonly bytes: number;
  readonly chunkBytes: number;
  readonly waitsBefore: number;
  /** Whether it pauses between its chunks, as a network does. */
  readonly isSlow: boolean;
}

function planOf(random: () => number, mostBytes: number): UploadPlan {
  return {
    bytes: Math.floor(random() ** 4 * mostBytes),
    chunkBytes: 1 + Math.floor(random() * 256 * 1024),
    waitsBefore: Math.floor(random() ** 2 * 500),
    isSlow: random() < 0.3,
  };
}

/** Nobody knows how long it will be: its bytes come as they come. */
async function uploadOne(sessionId: string, plan: UploadPlan): Promise<string> {
  await sleep(plan.waitsBefore);
  try {
    const sink = await core.service.createFile({ id: sessionId }, { type: 'audio_file' });
    await pipeline(Readable.from(chunksOf(plan), { objectMode: false }), sink);
    return 'settled';
  } catch (error) {
    return error instanceof SessionsError ? error.code : String(error);
  }
}

async function* chunksOf({ bytes, chunkBytes, isSlow }: UploadPlan): AsyncGenerator<Buffer> {
  for (let sent = 0; sent < bytes; sent += chunkBytes) {
    if (isSlow) await sleep(2);
    yield NOISE.subarray(0, Math.min(chunkBytes, bytes - sent));
  }
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

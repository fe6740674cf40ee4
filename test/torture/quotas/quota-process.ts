// A server without HTTP, one of several that act for the same user at once.
import { finished } from 'node:stream/promises';
import { Logger } from '@nestjs/common';
import { resolveConfig, SessionsError, type SessionsOptions } from 'nest-sessions';
import { startCore } from '../../../libs/sessions/dist/assembly/start-core.js';
import type { SessionsCore } from '../../../libs/sessions/dist/core/core.js';
import { AnchoredClock } from '../../../libs/sessions/dist/core/clock/system-clock.js';
import { aboutItself, answerQuestions } from '../processes/answering.ts';

export interface UploadAsked {
  readonly sessionId: string;
  readonly bytes: number;
  /** Whether it ends before its last byte. */
  readonly isCut: boolean;
}

const CLIENT = { ipAddress: '192.0.2.1', userAgent: 'torture' };
const CHUNK_BYTES = 5000;
let core: SessionsCore;

answerQuestions(
  {
    ...aboutItself,
    async start(options: SessionsOptions) {
      const config = resolveConfig(options, {});
      const clock = new AnchoredClock();
      core = await startCore({ config, clock, role: 'server', logFor: (part) => new Logger(part) });
    },
    /** A new session of this user, with a file of so many bytes from before the login; `null` if it cannot be. */
    async open({ userId, bytes }: { userId: string; bytes: number }) {
      return outcomeOf(async () => {
        const opening = await core.service.open(CLIENT);
        if (opening.kind !== 'opened') throw new SessionsError('SESSIONS_FULL', opening.reason);
        if (bytes > 0) await write({ sessionId: opening.session.id, bytes, isCut: false });
        await core.service.login(opening.session, userId);
        return opening.session.id;
      });
    },
    upload: (asked: UploadAsked) => outcomeOf(() => write(asked)),
    end: (sessionId: string) => outcomeOf(async () => void (await core.service.end({ id: sessionId }))),
    endAll: (userId: string) => outcomeOf(async () => void (await core.service.endAllOf(userId))),
    release: (sessionId: string) =>
      outcomeOf(async () => {
        const details = await core.service.describe({ id: sessionId });
        const [file] = details?.resources ?? [];
        if (file) await core.service.release({ id: file.id });
      }),
  },
  async () => {
    await core.quiesce();
    await core.stop();
  },
);

export interface Outcome {
  readonly value?: string | undefined;
  /** The code of the error. */
  readonly refused?: string;
}

async function outcomeOf(deed: () => Promise<string | undefined | void>): Promise<Outcome> {
  try {
    return { value: (await deed()) ?? undefined };
  } catch (error) {
    if (error instanceof SessionsError) return { refused: error.code };
    throw error;
  }
}

async function write({ sessionId, bytes, isCut }: UploadAsked): Promise<void> {
  const sink = await core.service.createFile({ id: sessionId }, { type: 'audio_file' });
  const over = finished(sink);
  over.catch(() => {});
  for (let sent = 0; sent < bytes && !sink.destroyed; sent += CHUNK_BYTES) {
    if (isCut && sent > bytes / 2) {
      sink.destroy();
      return;
    }
    const chunk = Buffer.alloc(Math.min(CHUNK_BYTES, bytes - sent), 1);
    if (!sink.write(chunk))
      await Promise.race([over.catch(() => {}), new Promise((resolve) => sink.once('drain', resolve))]);
  }
  sink.end();
  await over;
}

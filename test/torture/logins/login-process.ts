// A server without HTTP that holds `Session` objects as slow requests do, and loses answers of its store.
import { finished } from 'node:stream/promises';
import { setTimeout as delay } from 'node:timers/promises';
import { Logger } from '@nestjs/common';
import { resolveConfig, SessionsError, type SessionsOptions } from 'nest-sessions';
import { startCore } from '../../../libs/sessions/dist/assembly/start-core.js';
import type { SessionsCore } from '../../../libs/sessions/dist/core/core.js';
import { Session } from '../../../libs/sessions/dist/core/handles/session.js';
import { AnchoredClock } from '../../../libs/sessions/dist/core/clock/system-clock.js';
import { aboutItself, answerQuestions } from '../processes/answering.ts';
import { seededRandom } from '../random.ts';

export interface LoginSetUp {
  readonly options: SessionsOptions;
  /** Of the answers to logins and regenerates, so many are lost. */
  readonly losesShare: number;
  readonly seed: number;
}

export type Deed = 'login' | 'restart' | 'regenerate' | 'describe' | 'upload';

export interface Asked {
  /** Of `hold`. */
  readonly handle: number;
  readonly deed: Deed;
  readonly userId: string;
  /** How long an upload takes. */
  readonly ms?: number;
}

export interface Acted {
  /** `done`, or the code of the error. */
  readonly outcome: string;
  readonly token: string | null;
  /** The session of the object now, and whose that is by a description. */
  readonly sessionId: string;
  readonly userId: string | null;
  /** Of an upload. */
  readonly fileId: string | null;
  /** By the machine's monotonic clock, in milliseconds; of an upload: when its last byte was there. */
  readonly askedAt: number;
  readonly at: number;
}

export interface Seen {
  readonly kind: string;
  readonly userId: string | null;
  readonly askedAt: number;
}

const CLIENT = { ipAddress: '192.0.2.1', userAgent: 'torture' };
const held: Session[] = [];
let core: SessionsCore;

answerQuestions(
  {
    ...aboutItself,
    async start({ options, losesShare, seed }: LoginSetUp) {
      const config = resolveConfig({ openRate: 0, ...options }, {});
      core = await startCore({
        config,
        clock: new AnchoredClock(),
        role: 'server',
        logFor: (part) => new Logger(part),
      });
      loseAnswers(losesShare, seededRandom(seed));
    },
    async open() {
      const opening = await core.service.open(CLIENT);
      if (opening.kind !== 'opened') throw new Error(`not opened: ${opening.reason}`);
      return { id: opening.session.id, token: opening.token.reveal() };
    },
    /** The number of a new object of the session with this token; `null` if it has none. */
    async hold(token: string) {
      const finding = await core.service.identify(token, CLIENT);
      return finding.kind === 'live' ? held.push(new Session(finding.record)) - 1 : null;
    },
    act,
    async request(token: string): Promise<Seen> {
      const askedAt = now();
      const finding = await core.service.identify(token, CLIENT);
      return { kind: finding.kind, userId: finding.kind === 'live' ? finding.record.userId : null, askedAt };
    },
    /** The files that the session has. */
    async files(sessionId: string): Promise<string[]> {
      const details = await core.service.describe({ id: sessionId });
      return details?.resources.map(({ id }) => id) ?? [];
    },
    async end(sessionId: string) {
      return (await core.service.end({ id: sessionId })) !== null;
    },
  },
  async () => {
    await core.quiesce();
    await core.stop();
  },
);

async function act({ handle, deed, userId, ms = 0 }: Asked): Promise<Acted> {
  const session = held[handle];
  if (!session) throw new Error(`There is no handle ${handle}`);
  let askedAt = now();
  let token: string | null = null;
  let fileId: string | null = null;
  let outcome = 'done';
  let seen: string | null = null;
  try {
    if (deed === 'describe') {
      const details = await core.service.describe(session);
      if (!details) throw new SessionsError('SESSION_GONE', 'There is nothing to describe.');
      seen = details.userId;
    } else if (deed === 'upload') {
      const sink = await core.service.createFile(session, { type: 'temp_file' });
      fileId = sink.resourceId;
      const over = finished(sink);
      sink.write(Buffer.alloc(1000, 1));
      await Promise.race([over, delay(ms)]);
      askedAt = now();
      sink.end(Buffer.alloc(1000, 2));
      await over;
    } else if (deed === 'regenerate') {
      token = (await core.service.regenerate(session)).reveal();
    } else {
      const ifTaken = deed === 'restart' ? 'restart' : 'refuse';
      token = (await core.service.login(session, userId, { ifTaken })).reveal();
    }
  } catch (error) {
    if (!(error instanceof SessionsError)) throw error;
    outcome = error.code;
  }
  return { outcome, token, sessionId: session.id, userId: seen, fileId, askedAt, at: now() };
}

/** The step is done, but its answer does not come: or it is not even done. */
function loseAnswers(share: number, random: () => number): void {
  const { sessions } = core.store;
  for (const step of ['login', 'regenerate'] as const) {
    const call = (sessions[step] as (...args: readonly unknown[]) => Promise<unknown>).bind(sessions);
    Reflect.set(sessions, step, async (...args: readonly unknown[]) => {
      const chance = random();
      if (chance < share / 2) throw away();
      const answer = await call(...args);
      if (chance < share) throw away();
      return answer;
    });
  }
}

function away(): SessionsError {
  return new SessionsError('STORE_UNAVAILABLE', 'The answer is lost.');
}

/** The machine's monotonic clock: the same for all its processes. */
function now(): number {
  return Number(process.hrtime.bigint()) / 1e6;
}

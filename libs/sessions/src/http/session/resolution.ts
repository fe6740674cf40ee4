import type { IncomingMessage } from 'node:http';
import type { Session } from '../../core/handles/session.js';
import { SessionsError } from '../../domain/errors.js';

/**
 * Why a request goes on without a session: its handler wants none (`skipped`), its network began too many (`rate`), all
 * places are taken (`full`), the client is not the one that the session began with (`mismatch`), its token was replaced
 * a moment ago (`replaced`), or its session is over and an event stream is not to begin another (`ended`).
 */
export type NoSessionReason = 'skipped' | 'rate' | 'full' | 'mismatch' | 'replaced' | 'ended';

export interface NoSession {
  readonly session: null;
  readonly reason: NoSessionReason;
  /** Seconds after which a new request may get one. */
  readonly retryAfterSeconds?: number;
}

/** A class, not a literal, for the same reason as `ResponseTokens`. */
export class FoundSession {
  constructor(
    readonly session: Session,
    /** @internal The hash of the token that was presented; `null` where the session began with this request. */
    readonly tokenHash: string | null,
    /** @internal Whether the request came with the token of a session that is over. */
    readonly presentedEnded: boolean,
  ) {}
}

/** What came of a request's cookie. */
export type Resolution = FoundSession | NoSession;

/** Where a request keeps its answer: weak references to each of them would cost more than all the rest. */
const RESOLUTION = Symbol('nest-sessions resolution');

type AnsweredRequest = IncomingMessage & { [RESOLUTION]?: Resolution | Promise<Resolution> };

/** @internal What came of a request's cookie, or will; `undefined` where nobody asked. */
export function resolutionOf(request: IncomingMessage): Resolution | Promise<Resolution> | undefined {
  return (request as AnsweredRequest)[RESOLUTION];
}

/** @internal Keeps the answer with its request; one that is still to come takes the place of its promise. */
export function keepResolution(
  request: IncomingMessage,
  resolution: Resolution | Promise<Resolution>,
): Resolution | Promise<Resolution> {
  const answered: AnsweredRequest = request;
  answered[RESOLUTION] = resolution;
  if (resolution instanceof Promise) {
    resolution.then(
      (settled) => (answered[RESOLUTION] = settled),
      () => {},
    );
  }
  return resolution;
}

/** Why a handler that needs a session cannot serve this request. */
export function errorFor({ reason, retryAfterSeconds }: NoSession): SessionsError {
  const retry = retryAfterSeconds === undefined ? {} : { retryAfterSeconds };
  switch (reason) {
    case 'rate':
      return new SessionsError(
        'SESSION_RATE_LIMITED',
        'Too many sessions were begun from your network.',
        retry,
      );
    case 'full':
      return new SessionsError('SESSIONS_FULL', 'There is no room for another session now.', retry);
    case 'mismatch':
      return new SessionsError('SESSION_BINDING_MISMATCH', 'This session began with another client.');
    case 'replaced':
      return new SessionsError(
        'SESSION_REQUIRED',
        'The token of this session was replaced; use the new one.',
      );
    default:
      return new SessionsError('SESSION_REQUIRED', 'This needs a session.');
  }
}

import type { IncomingMessage } from 'node:http';
import type { Session } from '../../core/handles/session.js';
import { openingError } from '../../core/sessions/session-opener.js';
import { SessionsError, staleSession } from '../../domain/errors.js';
import type { Presented } from '../token/token-lookup.js';

/**
 * Why a request has no session: its handler skips sessions, or its path is excluded (`skipped`), it needed none so far, and with
 * `openOn: 'use'` none was opened (`unused`), its handler is passive and opens none (`passive`), its network
 * opened too many (`rate`) or has too many whose cookie never came back (`unconfirmed`), there are `maxSessions` already
 * (`full`), the session is bound to another client (`mismatch`), the same and the request is for a part of a page, such as an
 * image, or of a media player, which open none (`subresource`), it presents several cookies of one name (`ambiguous`), its token
 * was replaced a moment ago (`replaced`), it has a bearer token of somebody else (`foreign`), its session has ended and an event
 * stream must not open another (`ended`), or the client has closed the connection, so that its address cannot be told (`gone`).
 */
export type NoSessionReason =
  | 'skipped'
  | 'unused'
  | 'passive'
  | 'rate'
  | 'unconfirmed'
  | 'network_full'
  | 'full'
  | 'mismatch'
  | 'subresource'
  | 'ambiguous'
  | 'replaced'
  | 'foreign'
  | 'ended'
  | 'gone';

export interface NoSession {
  readonly session: null;
  readonly reason: NoSessionReason;
  /** Seconds after which a new request may open one. */
  readonly retryAfterSeconds?: number;
}

/** The session of a request. A class, not a literal: see `ResponseTokens`, where the literal cost 20 to 40 µs a request. */
export class FoundSession {
  constructor(
    readonly session: Session,
    /** @internal Hash of the presented token; `null` if this request opened the session. */
    readonly tokenHash: string | null,
    /** @internal Whether the request presented the token of an ended session, or continues an event stream without one. */
    readonly presentedEnded: boolean,
    /** @internal Whether an earlier request has presented the token. */
    readonly wasConfirmed: boolean,
  ) {}
}

/** @internal The state of a request whose session has not been opened: its first use opens it, and its other uses get the same. */
export class UnusedSession implements NoSession {
  readonly session = null;
  readonly reason = 'unused';
  private opening: Resolution | Promise<Resolution> | undefined;
  private onceOpened: ((found: FoundSession) => unknown) | undefined;

  constructor(private begin: (unused: UnusedSession) => Resolution | Promise<Resolution>) {}

  /** @throws SessionsError `SESSION_TOO_LATE`, `STORE_UNAVAILABLE` */
  open(): Resolution | Promise<Resolution> {
    return (this.opening ??= this.begin(this));
  }

  /** What to do with the session before its first use goes on, if it is opened. A second call replaces the first. */
  whenOpened(handle: (found: FoundSession) => unknown): void {
    this.onceOpened = handle;
  }

  /** From now on a first use is too late. */
  close(): void {
    this.begin = () => {
      throw tooLate();
    };
  }

  /** Called by `begin`. */
  async opened(found: FoundSession): Promise<void> {
    await this.onceOpened?.(found);
  }
}

/** @internal The session of a request that is used now: opened, if that was left to its first use. */
export function used(resolution: Resolution | Promise<Resolution>): Resolution | Promise<Resolution> {
  if (resolution instanceof Promise) return resolution.then(used);
  return resolution instanceof UnusedSession ? resolution.open() : resolution;
}

/** The session of a request, or the reason why it has none. */
export type Resolution = FoundSession | NoSession;

/** Key of the resolution on its request: a weak reference per request would cost more than all other work here. */
const RESOLUTION = Symbol('nest-sessions resolution');

const PRESENTED = Symbol('nest-sessions presented');

type ResolvedRequest = IncomingMessage & {
  [RESOLUTION]?: Resolution | Promise<Resolution>;
  [PRESENTED]?: Presented | Promise<Presented>;
};

/** @internal What the request presents, if it has been looked up before its resolution. */
export function presentedOf(request: IncomingMessage): Presented | Promise<Presented> | undefined {
  return (request as ResolvedRequest)[PRESENTED];
}

/** @internal */
export function keepPresented(request: IncomingMessage, presented: Presented | Promise<Presented>): void {
  (request as ResolvedRequest)[PRESENTED] = presented;
}

/** @internal The request's resolution, or its promise; `undefined` if none has begun. */
export function resolutionOf(request: IncomingMessage): Resolution | Promise<Resolution> | undefined {
  return (request as ResolvedRequest)[RESOLUTION];
}

/** @internal Stores the resolution on its request; the value of a promise replaces the promise. */
export function keepResolution(
  request: IncomingMessage,
  resolution: Resolution | Promise<Resolution>,
): Resolution | Promise<Resolution> {
  const resolved: ResolvedRequest = request;
  resolved[RESOLUTION] = resolution;
  if (resolution instanceof Promise) {
    resolution.then(
      (value) => (resolved[RESOLUTION] = value),
      () => {},
    );
  }
  return resolution;
}

/** @internal The error for a first use after the response has begun: its client would never get the token. */
export function tooLate(): SessionsError {
  return new SessionsError(
    'SESSION_TOO_LATE',
    'The session was first used after the response headers were sent, when its client can no longer get a cookie: use it ' +
      'earlier, for example by @CurrentSession().',
  );
}

/** The error for a handler that requires a session. */
export function errorFor({ reason, ...retry }: NoSession): SessionsError {
  switch (reason) {
    case 'rate':
    case 'unconfirmed':
    case 'network_full':
    case 'full':
      return openingError({ reason, ...retry });
    case 'mismatch':
    case 'subresource':
      return new SessionsError(
        'SESSION_BINDING_MISMATCH',
        'This session is bound to a different client (address or user agent).',
      );
    case 'replaced':
      return staleSession();
    case 'skipped':
      return new SessionsError(
        'SESSION_REQUIRED',
        'This request requires a session, but none is read here: by @SkipSession(), or the option exclude.',
      );
    default:
      return new SessionsError('SESSION_REQUIRED', 'This request requires a session.');
  }
}

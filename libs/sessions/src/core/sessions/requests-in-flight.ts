import type { Clock } from '../../ports/clock.js';
import type { SessionsGroup } from '../../ports/sessions.js';
import type { Session } from '../handles/session.js';
import type { TouchBuffer } from '../process/touch-buffer.js';

/** A request under way is noted at least this often, and at least every third of the idle time. */
const NOTED_EVERY_MS = 30_000;
/** Touches are flushed at least this often: what is due before the next flush is noted with this one. */
const FLUSHED_EVERY_MS = 2000;
/** A request of a client whose cookie never came back keeps its session no longer. */
const UNCONFIRMED_MS = 5 * 60_000;

/** A request whose response has not ended, and whose connection is open. */
export abstract class RequestInFlight {
  /** @internal The flushes of the process so far, when the request began. */
  flushes = 0;
  /** @internal Its place among the requests of the process. */
  place = -1;

  constructor(
    readonly session: Session,
    /** @internal When it last counted as activity. */
    public notedAt: number,
    /** @internal Whether it opened the session, and no other request is known to have presented the cookie. */
    public isUnconfirmed: boolean,
    private readonly requests: RequestsInFlight,
  ) {}

  abstract get isOver(): boolean;

  /** An open event stream is no activity. */
  abstract get isEventStream(): boolean;

  /** Call it when the response has ended or the connection has closed. */
  end(): void {
    this.requests.end(this);
  }
}

/**
 * The requests that this process is serving. They are activity of their sessions, so that no session ends as idle in the
 * middle of its own request. There is no timer per request: each flush of the touches walks over all.
 */
export class RequestsInFlight {
  /** No `Set`, for the reason given at `PendingCalls`: each knows its place instead. */
  private readonly requests: RequestInFlight[] = [];
  private flushes = 0;

  constructor(
    private readonly sessions: Pick<SessionsGroup, 'find'>,
    private readonly touches: TouchBuffer,
    private readonly clock: Clock,
  ) {
    touches.beforeFlush((now) => this.noteAll(now));
  }

  begin(request: RequestInFlight): void {
    request.flushes = this.flushes;
    request.place = this.requests.push(request) - 1;
  }

  /** Notes the end of a request that went on through a flush. That of a shorter one is close enough to its beginning. */
  end(request: RequestInFlight): void {
    if (!this.remove(request) || request.flushes === this.flushes || request.isEventStream) return;
    const now = this.clock.now();
    if (!isHeldTooLong(request, now)) this.touches.add(request.session.id, now, 0);
  }

  private noteAll(now: number): void {
    this.flushes += 1;
    for (const request of this.requests.slice()) {
      if (request.isOver) this.remove(request);
      else if (isDue(request, now) && !request.isEventStream) this.note(request, now);
    }
  }

  /** The last one takes its place. `false` if it was not among them. */
  private remove(request: RequestInFlight): boolean {
    const { place } = request;
    if (this.requests[place] !== request) return false;
    const last = this.requests.pop();
    if (last === undefined || last === request) return true;
    this.requests[place] = last;
    last.place = place;
    return true;
  }

  private note(request: RequestInFlight, now: number): void {
    request.notedAt = now;
    if (isHeldTooLong(request, now)) void this.lookForCookie(request);
    else this.touches.add(request.session.id, now, 0);
  }

  /** The cookie may have come back to another process. */
  private async lookForCookie(request: RequestInFlight): Promise<void> {
    const record = await this.sessions.find(request.session.id).catch(() => null);
    if (!record?.confirmed) return;
    request.isUnconfirmed = false;
    request.notedAt = Number.NEGATIVE_INFINITY;
  }
}

function isDue({ session, notedAt }: RequestInFlight, now: number): boolean {
  const idleMs = session.idleEndsAt - session.lastActivityAt;
  return now + FLUSHED_EVERY_MS >= notedAt + Math.min(NOTED_EVERY_MS, idleMs / 3);
}

function isHeldTooLong({ session, isUnconfirmed }: RequestInFlight, now: number): boolean {
  return isUnconfirmed && now - session.createdAt > UNCONFIRMED_MS;
}

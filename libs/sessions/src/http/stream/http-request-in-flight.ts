import type { ServerResponse } from 'node:http';
import type { Session } from '../../core/handles/session.js';
import { RequestInFlight, type RequestsInFlight } from '../../core/sessions/requests-in-flight.js';

/** Key of the request on its response. */
const IN_FLIGHT = Symbol('nest-sessions request in flight');

type TrackedResponse = ServerResponse & { [IN_FLIGHT]?: HttpRequestInFlight };

/** A class, not a literal, for the reason given at `ResponseTokens`. */
class HttpRequestInFlight extends RequestInFlight {
  whenEnded: (() => void) | null = null;

  constructor(
    private readonly response: ServerResponse,
    session: Session,
    at: number,
    isUnconfirmed: boolean,
    requests: RequestsInFlight,
  ) {
    super(session, at, isUnconfirmed, requests);
  }

  get isOver(): boolean {
    return this.response.writableFinished || this.response.destroyed;
  }

  override end(): void {
    super.end();
    this.whenEnded?.();
  }

  get isEventStream(): boolean {
    return String(this.response.getHeader('content-type')).startsWith('text/event-stream');
  }
}

/** From now until its response has ended or its connection has closed, the request is activity of its session. */
export function trackRequest(
  response: ServerResponse,
  session: Session,
  at: number,
  isUnconfirmed: boolean,
  requests: RequestsInFlight,
): void {
  if (response.destroyed || response.writableFinished) return;
  const tracked: TrackedResponse = response;
  tracked[IN_FLIGHT] = new HttpRequestInFlight(response, session, at, isUnconfirmed, requests);
  requests.begin(tracked[IN_FLIGHT]);
  response.on('close', endRequest);
}

/**
 * Calls the listener when the response has ended or its connection has closed. A request that is tracked
 * has one at a time, and it is no further listener of the response: with those of a download that would be more than ten.
 */
export function whenResponseEnds(response: ServerResponse, listener: () => void): void {
  const tracked = (response as TrackedResponse)[IN_FLIGHT];
  if (tracked) tracked.whenEnded = listener;
  else response.once('close', listener);
}

/** One function for all responses, for the reason given at `writePrivateHead`. */
function endRequest(this: TrackedResponse): void {
  this[IN_FLIGHT]?.end();
}

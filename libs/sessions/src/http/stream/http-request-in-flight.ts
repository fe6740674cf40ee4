import type { ServerResponse } from 'node:http';
import type { Session } from '../../core/handles/session.js';
import { RequestInFlight, type RequestsInFlight } from '../../core/sessions/requests-in-flight.js';

/** Key of the request on its response. */
const IN_FLIGHT = Symbol('nest-sessions request in flight');

type TrackedResponse = ServerResponse & { [IN_FLIGHT]?: HttpRequestInFlight };

/** A class, not a literal, for the reason given at `ResponseTokens`. */
class HttpRequestInFlight extends RequestInFlight {
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

/** One function for all responses, for the reason given at `writePrivateHead`. */
function endRequest(this: TrackedResponse): void {
  this[IN_FLIGHT]?.end();
}

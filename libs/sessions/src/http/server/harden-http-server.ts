import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { setBodyDeadline } from '../upload/body/body-deadline.js';

/** Interval at which Node looks for slow connections: it closes them at most this much late. */
const CHECK_MS = 5000;

/** Limits of one connection. Seconds may be fractions. */
export interface HttpServerBounds {
  /** Seconds for a client to send the headers of a request. Default: 15. */
  readonly headersSeconds?: number;
  /**
   * Seconds for a client to send the body. Uploads by `UploadInterceptor` and `RawUploadInterceptor` are exempt: they may
   * take any time while bytes arrive (see the option `uploadIdleSeconds`). Default: 120.
   */
  readonly bodySeconds?: number;
  /**
   * Seconds that an idle connection stays open for the next request. Behind a proxy that keeps connections open, set more
   * than the proxy's own time (often 60), or clients get 502 now and then. Default: 5.
   */
  readonly keepAliveSeconds?: number;
  /** Requests over one connection before it is closed. Default: 1000. */
  readonly maxRequestsPerSocket?: number;
}

/**
 * Closes connections of clients that send too slowly, by accident or as an attack. Call it before `app.listen`, on
 * Express or Fastify.
 *
 * Clients that do not read a download, event stream or WebSocket of this package are disconnected even without it: see
 * the option `downloadIdleSeconds`.
 */
export function hardenHttpServer(app: INestApplication, bounds: HttpServerBounds = {}): void {
  const {
    headersSeconds = 15,
    bodySeconds = 120,
    keepAliveSeconds = 5,
    maxRequestsPerSocket = 1000,
  } = bounds;
  const server = app.getHttpServer() as Server;
  Object.assign(server, {
    headersTimeout: headersSeconds * 1000,
    keepAliveTimeout: keepAliveSeconds * 1000,
    maxRequestsPerSocket,
    // Node's own limit would abort slow uploads too: each body has a deadline of its own instead.
    requestTimeout: 0,
    // Node reads this once, when the server begins to listen.
    connectionsCheckingInterval: Math.min(CHECK_MS, headersSeconds * 500),
  });
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) =>
    setBodyDeadline(request, response, bodySeconds * 1000),
  );
}

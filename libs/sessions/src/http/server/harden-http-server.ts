import type { IncomingMessage, Server, ServerResponse } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { setBodyDeadline } from '../upload/body-deadline.js';

/** How often connections are looked over: what is too slow is closed so much later at most. */
const CHECK_MS = 5000;

/** What one connection may take of a server. Seconds are whole or not. */
export interface HttpServerBounds {
  /** A client has so long to send the head of a request; 15 unless told. */
  readonly headersSeconds?: number;
  /**
   * It has so long for the body; 120 unless told. Uploads by `UploadInterceptor` are not held to it: they may take their
   * time as long as bytes come (the option `uploadIdleSeconds`).
   */
  readonly bodySeconds?: number;
  /** A connection is kept so long for a next request; 5 unless told. */
  readonly keepAliveSeconds?: number;
  /** So many requests go over one connection; 1,000 unless told. */
  readonly maxRequestsPerSocket?: number;
}

/**
 * Closes connections of clients that are too slow, whether by accident or to wear the server out. Call it before
 * `app.listen`; it serves Express and Fastify alike.
 *
 * Readers that take nothing of a download, an event stream or a WebSocket of this package are cut off without it: see the
 * option `downloadIdleSeconds`.
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
    // Node's own limit would cut off slow uploads as well: bodies are timed one by one instead.
    requestTimeout: 0,
    // Read when the server begins to listen.
    connectionsCheckingInterval: Math.min(CHECK_MS, headersSeconds * 500),
  });
  server.prependListener('request', (request: IncomingMessage, response: ServerResponse) =>
    setBodyDeadline(request, response, bodySeconds * 1000),
  );
}

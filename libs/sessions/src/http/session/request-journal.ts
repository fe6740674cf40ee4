import type { ServerResponse } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';
import type { Session } from '../../core/handles/session.js';
import type { EntryBuffer } from '../../core/journal/entry-buffer.js';
import type { Clock } from '../../ports/clock.js';
import { requestOf, responseOf } from '../exchange.js';
import { nodeResponse, type PlatformRequest } from '../platform-message.js';

/** Where Express and Fastify keep the pattern of the route that they chose. */
interface RoutedRequest extends PlatformRequest {
  readonly route?: { readonly path?: unknown };
  readonly routeOptions?: { readonly url?: unknown };
}

/** Enters each request of a session when its response has ended: its route's pattern, never its path, query or body. */
export class RequestJournal {
  constructor(
    private readonly entries: EntryBuffer,
    private readonly clock: Clock,
  ) {}

  note({ id }: Session, context: ExecutionContext): void {
    const route = routeOf(requestOf(context));
    const response = nodeResponse(responseOf(context));
    const { socket } = response;
    const [readBefore, writtenBefore] = [socket?.bytesRead ?? 0, socket?.bytesWritten ?? 0];
    const began = this.clock.monotonic();
    const at = this.clock.now();
    response.once('close', () => {
      const { statusCode, writableFinished } = response;
      this.entries.add(id, {
        at,
        kind: 'request',
        method: methodOf(response),
        route,
        status: writableFinished ? statusCode : null,
        durationMs: Math.round(this.clock.monotonic() - began),
        // Nest reads small bodies before the interceptors: of those only the declared length is known.
        receivedBytes: Math.max((socket?.bytesRead ?? 0) - readBefore, declaredBytes(response)),
        sentBytes: Math.max(0, (socket?.bytesWritten ?? 0) - writtenBefore),
      });
    });
  }
}

function routeOf({ route, routeOptions }: RoutedRequest): string | null {
  const pattern = route?.path ?? routeOptions?.url;
  return typeof pattern === 'string' ? pattern : null;
}

function methodOf({ req }: ServerResponse): string {
  return req.method ?? '';
}

function declaredBytes({ req }: ServerResponse): number {
  const declared = Number(req.headers['content-length'] ?? 0);
  return Number.isSafeInteger(declared) && declared > 0 ? declared : 0;
}

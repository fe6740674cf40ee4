import type { ServerResponse } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';
import type { Session } from '../../core/handles/session.js';
import type { EntryBuffer } from '../../core/journal/entry-buffer.js';
import type { Clock } from '../../ports/clock.js';
import { requestOf, responseOf } from '../exchange.js';
import { whenResponseEnds } from '../stream/http-request-in-flight.js';
import {
  nodeRequest,
  nodeResponse,
  type PlatformRequest,
  type PlatformResponse,
} from '../platform-message.js';

const MOST_PATH = 2048;
const MEDIA_TYPE = /^[a-z0-9!#$&^_.+-]{1,64}\/[a-z0-9!#$&^_.+-]{1,64}/i;

/** Where Express and Fastify keep the pattern of the route that they chose. */
interface RoutedRequest extends PlatformRequest {
  readonly url?: string;
  readonly route?: { readonly path?: unknown };
  readonly routeOptions?: { readonly url?: unknown };
}

/** Fastify hands its headers to Node when it writes them: only its own response tells them. */
type AnsweredHeaders = PlatformResponse & { getHeader(name: string): unknown };

/** Enters each request of a session when its response has ended: with its route's pattern, never with its headers or body. */
export class RequestJournal {
  constructor(
    private readonly entries: EntryBuffer,
    private readonly clock: Clock,
    private readonly keepsPaths: boolean,
  ) {}

  note({ id }: Session, context: ExecutionContext): void {
    const request = requestOf(context) as RoutedRequest;
    const node = nodeRequest(request);
    const answer = responseOf(context) as AnsweredHeaders;
    const response = nodeResponse(answer);
    const { socket } = response;
    const [readBefore, writtenBefore] = [socket?.bytesRead ?? 0, socket?.bytesWritten ?? 0];
    const began = this.clock.monotonic();
    const at = this.clock.now();
    whenResponseEnds(response, () => {
      const { statusCode, writableFinished } = response;
      this.entries.add(id, {
        at,
        kind: 'request',
        method: node.method ?? '',
        route: routeOf(request),
        path: this.keepsPaths ? pathOf(request) : null,
        status: writableFinished ? statusCode : null,
        durationMs: Math.round(this.clock.monotonic() - began),
        // The framework reads small bodies before the interceptors: of those only the declared length is known.
        receivedBytes: Math.max((socket?.bytesRead ?? 0) - readBefore, declaredBytes(response)),
        sentBytes: Math.max(0, (socket?.bytesWritten ?? 0) - writtenBefore),
        requestType: mediaTypeOf(node.headers['content-type']),
        responseType: mediaTypeOf(answer.getHeader('content-type')),
      });
    });
  }
}

function routeOf({ route, routeOptions }: RoutedRequest): string | null {
  const pattern = route?.path ?? routeOptions?.url;
  return typeof pattern === 'string' ? pattern : null;
}

function pathOf({ originalUrl, url }: RoutedRequest): string | null {
  return (originalUrl ?? url ?? '').slice(0, MOST_PATH) || null;
}

function mediaTypeOf(header: unknown): string | null {
  return typeof header === 'string' ? (MEDIA_TYPE.exec(header)?.[0].toLowerCase() ?? null) : null;
}

function declaredBytes({ req }: ServerResponse): number {
  const declared = Number(req.headers['content-length'] ?? 0);
  return Number.isSafeInteger(declared) && declared > 0 ? declared : 0;
}

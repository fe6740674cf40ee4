import type { ServerResponse } from 'node:http';
import type { ExecutionContext } from '@nestjs/common';
import type { Session } from '../../core/handles/session.js';
import type { EntryBuffer } from '../../core/journal/entry-buffer.js';
import type { Clock } from '../../ports/clock.js';
import { requestOf, responseOf } from '../exchange.js';
import { whenResponseEnds } from '../stream/http-request-in-flight.js';
import { nodeRequest, nodeResponse, type PlatformResponse } from '../platform-message.js';
import { routeOf, type PathKeeper, type RoutedRequest } from './kept-path.js';

const MEDIA_TYPE = /^[a-z0-9!#$&^_.+-]{1,64}\/[a-z0-9!#$&^_.+-]{1,64}/i;

/** Fastify hands its headers to Node when it writes them: only its own response tells them. */
type AnsweredHeaders = PlatformResponse & { getHeader(name: string): unknown };

/** Enters each request of a session when its response has ended: with its route's pattern, never with its headers or body. */
export class RequestJournal {
  constructor(
    private readonly entries: EntryBuffer,
    private readonly clock: Clock,
    private readonly keptPathOf: PathKeeper,
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
      const { path, params } = this.keptPathOf(request);
      this.entries.add(id, {
        at,
        kind: 'request',
        method: node.method ?? '',
        route: routeOf(request),
        path,
        params,
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

/** An application has few media types; clients may send any. */
const knownTypes = new Map<string, string | null>();
const MOST_KNOWN = 100;
const MOST_LENGTH = 128;

function mediaTypeOf(header: unknown): string | null {
  if (typeof header !== 'string') return null;
  const known = knownTypes.get(header);
  if (known !== undefined) return known;
  const type = MEDIA_TYPE.exec(header)?.[0].toLowerCase() ?? null;
  if (knownTypes.size < MOST_KNOWN && header.length <= MOST_LENGTH) knownTypes.set(header, type);
  return type;
}

function declaredBytes({ req }: ServerResponse): number {
  const declared = Number(req.headers['content-length'] ?? 0);
  return Number.isSafeInteger(declared) && declared > 0 ? declared : 0;
}

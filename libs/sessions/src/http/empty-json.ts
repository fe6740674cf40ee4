import type { IncomingMessage } from 'node:http';
import { BadRequestException, Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';
import { nodeRequest, type PlatformRequest } from './platform-message.js';

export const JSON_TYPE = /^\s*application\/json\s*(?:;|$)/i;

/** What Fastify answers to such a request. */
const FASTIFY_ANSWER = {
  statusCode: 400,
  code: 'FST_ERR_CTP_EMPTY_JSON_BODY',
  error: 'Bad Request',
  message: "Body cannot be empty when content-type is set to 'application/json'",
};

const emptied = new WeakSet<IncomingMessage>();

/** The used part of a Fastify instance. */
interface FastifyHooks {
  addHook(
    name: 'onRequest',
    hook: (request: { readonly raw: IncomingMessage }, reply: unknown, done: () => void) => void,
  ): void;
}

/**
 * Many clients label every request as JSON, also a `DELETE` without a body. Fastify refuses these before any handler, so
 * that a logout would fail. This takes the label off; `refuseEmptyJson` puts the refusal back where a handler takes a body.
 */
@Injectable()
export class EmptyJson implements OnModuleInit {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    const http = this.host.httpAdapter;
    // A bare application context has no adapter.
    if (!http || http.getType() !== 'fastify') return;
    http.getInstance<FastifyHooks>().addHook('onRequest', ({ raw }, _reply, done) => {
      const type = raw.headers['content-type'];
      if (type !== undefined && JSON_TYPE.test(type) && isBodiless(raw)) {
        delete raw.headers['content-type'];
        emptied.add(raw);
      }
      done();
    });
  }
}

/**
 * Refuses a request without a body that its client labelled as JSON: for handlers that take a body.
 * @throws BadRequestException as Fastify does
 */
export function refuseEmptyJson(request: PlatformRequest): void {
  if (emptied.has(nodeRequest(request))) throw new BadRequestException(FASTIFY_ANSWER);
}

/** HTTP/1.1 announces a body in the headers; HTTP/2 may not, but tells the end of the stream with them. */
function isBodiless(request: IncomingMessage): boolean {
  const { headers, httpVersionMajor } = request;
  if (httpVersionMajor >= 2)
    return (Reflect.get(request, 'stream') as { endAfterHeaders?: boolean }).endAfterHeaders === true;
  return headers['transfer-encoding'] === undefined && Number(headers['content-length'] ?? 0) === 0;
}

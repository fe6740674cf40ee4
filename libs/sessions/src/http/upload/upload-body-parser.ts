import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost } from '@nestjs/core';

const MULTIPART = 'multipart/form-data';

/** The used part of a Fastify instance. */
interface FastifyParsers {
  addHook(name: 'onReady', hook: (done: () => void) => void): void;
  hasContentTypeParser(type: string): boolean;
  addContentTypeParser(
    type: string,
    parser: (request: unknown, body: unknown, done: () => void) => void,
  ): void;
}

/**
 * Fastify refuses bodies that it has no parser for; this one leaves multipart bodies unread, as Express does. It is
 * added last, and only if the application has no multipart parser of its own.
 */
@Injectable()
export class UploadBodyParser implements OnModuleInit {
  constructor(@Inject(HttpAdapterHost) private readonly host: HttpAdapterHost) {}

  onModuleInit(): void {
    const http = this.host.httpAdapter;
    // A bare application context has no adapter.
    if (!http || http.getType() !== 'fastify') return;
    const instance = http.getInstance<FastifyParsers>();
    instance.addHook('onReady', (done) => {
      if (!instance.hasContentTypeParser(MULTIPART)) {
        instance.addContentTypeParser(MULTIPART, (_request, _body, parsed) => parsed());
      }
      done();
    });
  }
}

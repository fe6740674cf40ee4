import type { IncomingHttpHeaders } from 'node:http';
import { Inject, Injectable, type OnModuleInit } from '@nestjs/common';
import { HttpAdapterHost, ModulesContainer } from '@nestjs/core';
import { uploadRoutesOf } from './upload-routes.js';

const MULTIPART = 'multipart/form-data';
/** What Fastify is told that a raw body is, so that none of the application's parsers reads it. */
const UNREAD = 'application/x-nest-sessions-unread';

/** Metadata key of the `config` that Nest gives to a Fastify route, as `@RouteConfig()` sets it. */
const ROUTE_CONFIG_METADATA = '__fastify_route_config__';
const IS_RAW_UPLOAD = 'nestSessionsRawUpload';

interface FastifyRequest {
  /** Reading gives the request's own headers unless others were set. */
  headers: IncomingHttpHeaders;
  readonly routeOptions: { readonly config?: Readonly<Record<string, unknown>> };
}

/** The used part of a Fastify instance. */
interface FastifyParsers {
  addHook(name: 'onReady', hook: (done: () => void) => void): void;
  addHook(name: 'onRequest', hook: (request: FastifyRequest, reply: unknown, done: () => void) => void): void;
  hasContentTypeParser(type: string): boolean;
  addContentTypeParser(
    type: string,
    parser: (request: FastifyRequest, body: unknown, done: () => void) => void,
  ): void;
}

/**
 * Fastify refuses bodies that it has no parser for, and reads others before any handler. This leaves multipart bodies unread, as
 * Express does, if the application has no multipart parser of its own; and the bodies of raw upload routes, whatever their type.
 */
@Injectable()
export class UploadBodyParser implements OnModuleInit {
  private readonly hasRawUploads: boolean;

  constructor(
    @Inject(HttpAdapterHost) private readonly host: HttpAdapterHost,
    @Inject(ModulesContainer) modules: ModulesContainer,
  ) {
    // Nest registers the routes, with their `config`, before it calls `onModuleInit`.
    const raw = uploadRoutesOf(modules).filter(({ declaration }) => declaration.isRaw);
    for (const { handler } of raw) {
      const config: unknown = Reflect.getMetadata(ROUTE_CONFIG_METADATA, handler);
      Reflect.defineMetadata(ROUTE_CONFIG_METADATA, { ...Object(config), [IS_RAW_UPLOAD]: true }, handler);
    }
    this.hasRawUploads = raw.length > 0;
  }

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
    if (this.hasRawUploads) leaveRawBodies(instance);
  }
}

function leaveRawBodies(instance: FastifyParsers): void {
  const given = new WeakMap<FastifyRequest, IncomingHttpHeaders>();
  instance.addHook('onRequest', (request, _reply, done) => {
    if (request.routeOptions.config?.[IS_RAW_UPLOAD] === true) {
      given.set(request, request.headers);
      request.headers = { ...request.headers, 'content-type': UNREAD };
    }
    done();
  });
  instance.addHook('onReady', (done) => {
    instance.addContentTypeParser(UNREAD, (request, _body, parsed) => {
      const headers = given.get(request);
      if (headers) request.headers = headers;
      parsed();
    });
    done();
  });
}

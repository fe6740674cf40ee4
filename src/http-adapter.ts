import { BadRequestException, type NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { NextFunction, Request, Response } from 'express';
import { AppModule } from './app.module.js';
import type { AppSettings } from './app.settings.js';
import { UNSUPPORTED_BODY, isAcceptedBody } from './accepted-bodies.js';

/** Limit of bodies other than uploads; Express has the same by default. */
const BODY_BYTES = 100 * 1024;

/** Creates the app on the configured adapter; it behaves the same on both. */
export function createApp(
  settings: AppSettings,
  options: NestApplicationOptions,
): Promise<NestExpressApplication | NestFastifyApplication> {
  return settings.adapter === 'fastify' ? onFastify(settings, options) : onExpress(settings, options);
}

async function onExpress(
  { trustProxy }: AppSettings,
  options: NestApplicationOptions,
): Promise<NestExpressApplication> {
  const app = await NestFactory.create<NestExpressApplication>(AppModule, new ExpressAdapter(), options);
  app.set('trust proxy', trustProxy);
  app.use((request: Request, response: Response, next: NextFunction) => {
    if (isAcceptedBody(request.headers)) next();
    else response.status(UNSUPPORTED_BODY.statusCode).json(UNSUPPORTED_BODY);
  });
  return app;
}

async function onFastify(
  { trustProxy }: AppSettings,
  options: NestApplicationOptions,
): Promise<NestFastifyApplication> {
  const adapter = new DisconnectAwareFastifyAdapter({ bodyLimit: BODY_BYTES, trustProxy });
  adapter.getInstance().addHook('onRequest', async (request, reply) => {
    if (!isAcceptedBody(request.headers))
      await reply.code(UNSUPPORTED_BODY.statusCode).send(UNSUPPORTED_BODY);
  });
  return NestFactory.create<NestFastifyApplication>(AppModule, adapter, options);
}

/** Treats a client's disconnect within its body as a bad request; otherwise Nest would log each as a server error. */
class DisconnectAwareFastifyAdapter extends FastifyAdapter {
  override setErrorHandler(handler: Parameters<FastifyAdapter['setErrorHandler']>[0]) {
    return super.setErrorHandler(function (error, request, reply) {
      const hasDisconnected = request.raw.destroyed && !request.raw.complete;
      return handler.call(
        this,
        hasDisconnected
          ? new BadRequestException('The client disconnected before the end of the body.')
          : error,
        request,
        reply,
      );
    });
  }
}

import { BadRequestException, type NestApplicationOptions } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter, type NestExpressApplication } from '@nestjs/platform-express';
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify';
import type { NextFunction, Request, Response } from 'express';
import { AppModule } from './app.module.js';
import type { AppSettings } from './app.settings.js';
import { UNSUPPORTED_BODY, isTakenBody } from './taken-bodies.js';

/** Bodies other than uploads are small; Express has this limit by default. */
const BODY_BYTES = 100 * 1024;

/** The app on the adapter that the settings name; everything else is the same on both. */
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
    if (isTakenBody(request.headers)) next();
    else response.status(UNSUPPORTED_BODY.statusCode).json(UNSUPPORTED_BODY);
  });
  return app;
}

async function onFastify(
  { trustProxy }: AppSettings,
  options: NestApplicationOptions,
): Promise<NestFastifyApplication> {
  const adapter = new PatientFastifyAdapter({ bodyLimit: BODY_BYTES, trustProxy });
  adapter.getInstance().addHook('onRequest', async (request, reply) => {
    if (!isTakenBody(request.headers)) await reply.code(UNSUPPORTED_BODY.statusCode).send(UNSUPPORTED_BODY);
  });
  return NestFactory.create<NestFastifyApplication>(AppModule, adapter, options);
}

/** A client that leaves in the middle of its body is no failure of this server: without this, each would be logged as one. */
class PatientFastifyAdapter extends FastifyAdapter {
  override setErrorHandler(handler: Parameters<FastifyAdapter['setErrorHandler']>[0]) {
    return super.setErrorHandler(function (error, request, reply) {
      const isGone = request.raw.destroyed && !request.raw.complete;
      return handler.call(
        this,
        isGone ? new BadRequestException('The body broke off.') : error,
        request,
        reply,
      );
    });
  }
}

// Decorators are applied by hand here: Node.js runs these files as they are, and knows no decorators.
import 'reflect-metadata';
import {
  Controller,
  Get,
  Module,
  Req,
  type DynamicModule,
  type INestApplication,
  type Provider,
  type Type,
} from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import type { AdapterName } from './server.ts';

type Handler = (...args: never[]) => unknown;

/** A controller with one handler, `GET /session`, whose one argument comes from `parameter`. */
export function sessionController(handler: Handler, parameter: ParameterDecorator = Req()): Type {
  return controllerOf('session', handler, Get(), parameter);
}

/** A controller with one handler. */
export function controllerOf(
  path: string,
  handler: Handler,
  route: MethodDecorator,
  parameter: ParameterDecorator,
  ...others: MethodDecorator[]
): Type {
  const BenchController = emptyClass();
  Object.defineProperty(BenchController.prototype, 'handle', {
    value: handler,
    configurable: true,
    writable: true,
  });
  const descriptor = Object.getOwnPropertyDescriptor(BenchController.prototype, 'handle') ?? {};
  for (const decorate of [route, ...others]) decorate(BenchController.prototype, 'handle', descriptor);
  parameter(BenchController.prototype, 'handle', 0);
  Controller(path)(BenchController);
  return BenchController;
}

export function moduleOf(
  controllers: Type[],
  imports: DynamicModule[] = [],
  providers: Provider[] = [],
): Type {
  const BenchModule = emptyClass();
  Module({ controllers, imports, providers })(BenchModule);
  return BenchModule;
}

/** Listens on a free port of this machine; `prepare` before anything is routed. */
export async function listen(
  adapter: AdapterName,
  module: Type,
  prepare: (app: INestApplication) => unknown = () => {},
): Promise<{ readonly app: INestApplication; readonly port: number }> {
  const platform = adapter === 'express' ? new ExpressAdapter() : new FastifyAdapter();
  const app = await NestFactory.create(module, platform, { logger: ['error'] });
  await prepare(app);
  await app.listen(0, '127.0.0.1');
  return { app, port: Number(new URL(await app.getUrl()).port) };
}

/** What decorators make a controller or a module of. */
function emptyClass(): Type {
  return class {
    readonly madeFor = 'the benchmark';
  };
}

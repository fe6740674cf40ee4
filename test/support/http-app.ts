import type { Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication, ModuleMetadata, Type } from '@nestjs/common';
import { Module } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { SessionsModule, type SessionsModuleOptions } from 'nest-sessions';

export const ADAPTERS = ['express', 'fastify'] as const;
export type AdapterName = (typeof ADAPTERS)[number];

/**
 * Where an app keeps its sessions, unless said: in a file, which it may open again, or in memory, where the same SQL starts without
 * threads, in a fifth of the time. Apps on another Nest run the same SQL.
 */
const STORES = {
  express: process.env['TEST_STORE'] === 'memory' ? 'memory' : 'sqlite',
  fastify: 'memory',
} as const;

/** As both frameworks take it. A Unix socket has no address. */
export type TrustProxy = string | ((address: string | undefined, hop: number) => boolean);

export interface RunningApp {
  readonly app: INestApplication;
  readonly url: string;
  readonly storagePath: string;
  /** Closes the app, and deletes its storage. */
  close(): Promise<void>;
}

export interface AppParts extends ModuleMetadata {
  readonly options?: SessionsModuleOptions;
  /** Proxies that the framework believes: `loopback`, addresses, networks, or what a function says. None unless said. */
  readonly trustProxy?: TrustProxy;
  /** Longest parameter in a path that Fastify takes: 100 characters unless said. */
  readonly maxParamLength?: number;
  /** Whether Fastify takes a slash at the end of a path for nothing, as Express does. Not unless said. */
  readonly ignoreTrailingSlash?: boolean;
  /** Whether Nest's parsers read bodies. Default: true. */
  readonly bodyParser?: boolean;
  /** Path of a Unix socket to listen at, instead of a port. */
  readonly socketPath?: string;
  /** Called before the app listens: adapters, pipes, trust settings, plugins. */
  readonly configure?: (app: INestApplication) => unknown;
}

/** A Nest app with `SessionsModule` on a storage folder of its own, listening on a free port of 127.0.0.1. */
export async function startApp(adapter: AdapterName, parts: AppParts): Promise<RunningApp> {
  const {
    options,
    trustProxy,
    maxParamLength,
    ignoreTrailingSlash,
    bodyParser,
    socketPath,
    configure,
    imports,
    ...metadata
  } = parts;
  const storagePath = options?.storagePath ?? (await mkdtemp(join(tmpdir(), 'nest-sessions-')));
  const givenPlace = options?.storagePath ?? options?.redisUrls ?? options?.adapters?.store;
  @Module({
    ...metadata,
    imports: [
      SessionsModule.forRoot({
        minFreeBytes: 0,
        ballastBytes: 0,
        ...(givenPlace === undefined && { store: STORES[adapter] }),
        ...options,
        storagePath,
      }),
      ...(imports ?? []),
    ],
  })
  class TestAppModule {}
  const app = await NestFactory.create(
    TestAppModule as Type,
    createAdapter(adapter, { trustProxy, maxParamLength, ignoreTrailingSlash }),
    {
      logger: process.env['TEST_LOGS'] ? undefined : false,
      abortOnError: false,
      ...(bodyParser !== undefined && { bodyParser }),
    },
  );
  await configure?.(app);
  // Fastify on Nest 11 takes a path in this form alone.
  await (socketPath === undefined ? app.listen(0, '127.0.0.1') : app.listen({ path: socketPath } as never));
  return {
    app,
    storagePath,
    url: socketPath === undefined ? urlOf(app) : `unix:${socketPath}`,
    async close() {
      // A client that has all its bytes is a moment ahead of the server; a connection that only then becomes idle would
      // hold the shutdown up for as long as the server keeps idle ones.
      const server = app.getHttpServer() as Server;
      const hurrying = setInterval(() => server.closeIdleConnections(), 50);
      await app.close().finally(() => clearInterval(hurrying));
      if (!options?.storagePath) await rm(storagePath, { recursive: true, force: true });
    },
  };
}

function urlOf(app: INestApplication): string {
  const { port } = app.getHttpServer().address() as AddressInfo;
  return `http://127.0.0.1:${port}`;
}

function createAdapter(
  name: AdapterName,
  {
    trustProxy,
    maxParamLength,
    ignoreTrailingSlash,
  }: Pick<AppParts, 'trustProxy' | 'maxParamLength' | 'ignoreTrailingSlash'>,
): ExpressAdapter | FastifyAdapter {
  if (name === 'fastify') {
    return new FastifyAdapter({
      ...(trustProxy !== undefined && { trustProxy }),
      routerOptions: {
        ...(maxParamLength !== undefined && { maxParamLength }),
        ...(ignoreTrailingSlash !== undefined && { ignoreTrailingSlash }),
      },
    });
  }
  const express = new ExpressAdapter();
  if (trustProxy !== undefined) express.set('trust proxy', trustProxy);
  return express;
}

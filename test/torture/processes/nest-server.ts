// A Nest server on the package, as an application has it.
import type { AddressInfo } from 'node:net';
import type { Server } from 'node:http';
import type { INestApplication } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  hardenHttpServer,
  SessionEventBus,
  type HttpServerBounds,
  type SessionsOptions,
} from 'nest-sessions';
import { SessionsHealthIndicator } from 'nest-sessions/health';
import { SessionsWsAdapter } from 'nest-sessions/ws';
import { Cleanup } from '#sessions/core/cleanup/cleanup';
import { aboutItself, answerQuestions } from './answering.ts';
import { nestApp } from './nest-app.ts';

export interface ServerSetUp {
  readonly adapter: 'express' | 'fastify';
  readonly options: SessionsOptions;
  readonly bounds?: HttpServerBounds;
}

let app: INestApplication;
let server: Server;
/** When which session ended here, by this process's own clock. */
const endedAt = new Map<string, number>();
let released = 0;
/** The clients' ports of the connections that are open. */
const connections = new Set<number>();

answerQuestions(
  {
    ...aboutItself,
    async start({ adapter, options, bounds }: ServerSetUp) {
      app = await NestFactory.create(nestApp(options), createAdapter(adapter), {
        logger: ['fatal', 'error'],
        abortOnError: false,
      });
      app.useWebSocketAdapter(new SessionsWsAdapter(app));
      hardenHttpServer(app, bounds);
      const events = app.get(SessionEventBus);
      events.on('session.ended', ({ sessionId }) => endedAt.set(sessionId, Date.now()));
      events.on('resource.released', () => (released += 1));
      server = app.getHttpServer() as Server;
      server.on('connection', (socket) => {
        const { remotePort = 0 } = socket;
        connections.add(remotePort);
        socket.once('close', () => connections.delete(remotePort));
      });
      await app.listen(0, '127.0.0.1');
    },
    port: () => (server.address() as AddressInfo).port,
    connections: () => [...connections],
    /** `up`, `degraded`, or what is down. */
    health: async () => {
      const { sessions } = await app.get(SessionsHealthIndicator).isHealthy();
      return sessions?.status === 'down' ? `down: ${JSON.stringify(sessions)}` : sessions?.status;
    },
    /** How many resources it let go, those too that were never finished. */
    released: () => released,
    endedAt: (sessionId: string) => endedAt.get(sessionId) ?? null,
    cleanUp: (orphanGraceMs: number) => app.get(Cleanup).runAll({ orphanGraceMs }),
  },
  async () => {
    server.closeAllConnections();
    await app.close();
  },
);

/** The campaign stands before it as a proxy does, with clients of many networks behind it. */
function createAdapter(name: ServerSetUp['adapter']): ExpressAdapter | FastifyAdapter {
  if (name === 'fastify') return new FastifyAdapter({ trustProxy: '127.0.0.1' });
  const express = new ExpressAdapter();
  express.set('trust proxy', 'loopback');
  return express;
}

import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { Controller, Get, Module, Post, UseInterceptors } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { createObserveModule } from '@nestjs/observe';
import { ExpressAdapter } from '@nestjs/platform-express';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import {
  CurrentSession,
  SessionService,
  SessionsModule,
  UploadedResource,
  UploadInterceptor,
  type ResourceRecord,
  type Session,
} from 'nest-sessions';
import { inMemoryAdapters } from 'nest-sessions/testing';
import { ADAPTERS } from '../support/http-app.js';

@Controller()
class FilesController {
  constructor(private readonly sessions: SessionService) {}

  @Post()
  @UseInterceptors(UploadInterceptor('file'))
  async upload(@CurrentSession() session: Session, @UploadedResource() { id, sizeBytes }: ResourceRecord) {
    await session.set('last' as never, id as never);
    return { session: session.id, sizeBytes };
  }

  @Get('last')
  async last(@CurrentSession() session: Session) {
    const found = await this.sessions.findResource(session, String(await session.get('last' as never)));
    await this.sessions.end(session);
    return { found: found?.sizeBytes };
  }
}

/** It decorates every instance that Nest makes, and would break what is compared by identity or has private members. */
describe.each(ADAPTERS)("On %s under @nestjs/observe's instance decorator", (adapter) => {
  let collector: Server;
  beforeEach(async () => {
    collector = createServer((request, response) => {
      request.resume();
      response.end('{}');
    }).listen(0, '127.0.0.1');
    await once(collector, 'listening');
  });
  afterEach(async () => {
    collector.closeAllConnections();
    collector.close();
    await once(collector, 'close');
  });

  it('an app boots, uploads, reads its data and ends', async () => {
    const { ObserveModule, ObserveInstrument } = createObserveModule();
    const endpoint = `http://127.0.0.1:${(collector.address() as AddressInfo).port}`;
    @Module({
      imports: [
        ObserveModule.forRoot({ appKey: 'key', appSecret: 'secret', serviceId: 'test', endpoint }),
        SessionsModule.forRoot({ adapters: inMemoryAdapters() }),
      ],
      controllers: [FilesController],
    })
    class ObservedModule {}
    const platform = adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
    const app = await NestFactory.create(ObservedModule, platform, {
      instrument: ObserveInstrument,
      logger: false,
    });
    await app.listen(0, '127.0.0.1');
    try {
      const { port } = app.getHttpServer().address() as AddressInfo;
      const body = new FormData();
      body.set('file', new File([Buffer.alloc(100)], 'a.bin'));
      const uploaded = await fetch(`http://127.0.0.1:${port}`, { method: 'POST', body });
      expect(await uploaded.json()).toMatchObject({ sizeBytes: 100 });
      const cookie = uploaded.headers.getSetCookie()[0]?.split(';')[0] ?? '';
      const last = await fetch(`http://127.0.0.1:${port}/last`, { headers: { cookie } });
      expect(await last.json()).toEqual({ found: 100 });
      const over = await fetch(`http://127.0.0.1:${port}/last`, { headers: { cookie } });
      expect(await over.json()).toEqual({});
    } finally {
      await app.close();
    }
  });
});

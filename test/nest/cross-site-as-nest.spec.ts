import { Controller, Get, Module, Post, Put } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { FastifyAdapter } from '@nestjs/platform-fastify';
import { ExpressAdapter } from '@nestjs/platform-express';
import type { AddressInfo } from 'node:net';
import { ADAPTERS } from '../support/http-app.js';
import { requestVerbatim } from '../support/verbatim-request.js';
import { CROSS_SITE_REQUESTS, HOST, LISTED } from '../support/cross-site-requests.js';

@Controller()
class PlainController {
  @Get()
  read() {
    return {};
  }

  @Post()
  post() {
    return {};
  }

  @Put()
  put() {
    return {};
  }
}

@Module({ controllers: [PlainController] })
class PlainModule {}

describe.each(ADAPTERS)("The protection of Nest 12's own, on %s,", (adapter) => {
  it('refuses and serves by the same table', async () => {
    const platform = adapter === 'fastify' ? new FastifyAdapter() : new ExpressAdapter();
    const app = await NestFactory.create(PlainModule, platform, { logger: false });
    app.enableCsrfProtection({ trustedOrigins: LISTED.filter((origin) => origin !== 'null') });
    await app.listen(0, '127.0.0.1');
    const { port } = app.getHttpServer().address() as AddressInfo;
    try {
      for (const [name, method, headers, isServed] of CROSS_SITE_REQUESTS) {
        // Nest cannot list it.
        if (headers['origin'] === 'null') continue;
        const answer = await requestVerbatim(`http://127.0.0.1:${port}`, '/', {
          method,
          headers: { host: HOST, ...headers },
        });
        expect([name, answer.status === 403]).toEqual([name, !isServed]);
      }
    } finally {
      await app.close();
    }
  });
});

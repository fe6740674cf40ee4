import { mkdtemp, rm } from 'node:fs/promises';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { INestApplication, Type } from '@nestjs/common';
import { NestFactory } from '@nestjs/core';
import { SESSIONS_CONFIG, type SessionsConfig } from 'nest-sessions';
import { modulesOfPage } from '../support/page-modules.js';

const TOKEN = 'a-token-of-an-operator-with-40-characters';

describe('The module of an app, as the pages show it,', () => {
  const before = { ...process.env };
  let folder: string;
  let app: INestApplication | undefined;

  beforeEach(async () => {
    folder = await mkdtemp(join(tmpdir(), 'nest-sessions-'));
    Object.assign(process.env, {
      SESSION_STORE: 'memory',
      SESSION_MIN_FREE_BYTES: '0',
      SESSION_BALLAST_BYTES: '0',
    });
  });
  afterEach(async () => {
    await app?.close();
    process.env = { ...before };
    await rm(folder, { recursive: true });
  });

  const start = async (page: string, changes?: Record<string, string>): Promise<INestApplication> => {
    const modules = modulesOfPage(page, changes);
    const AppModule: Type = modules.classOf('app.module.ts', 'AppModule');
    modules.remove();
    app = await NestFactory.create(AppModule, { logger: false, abortOnError: false });
    await app.listen(0, '127.0.0.1');
    return app;
  };

  it('takes the texts of ConfigService as options, and the default of what it lacks', async () => {
    const values = JSON.stringify({ MAX_SESSION_IDLE_TIME: '1200', SESSION_STORAGE_PATH: folder });
    const made = await start('docs/options.md', {
      'ConfigModule.forRoot()': `ConfigModule.forRoot({ ignoreEnvFile: true, load: [() => (${values})] })`,
    });
    const config = made.get<SessionsConfig>(SESSIONS_CONFIG);
    expect([config.maxIdleMs, config.storagePath, config.adminTokens]).toEqual([1_200_000, folder, []]);
  });

  it('serves the admin routes', async () => {
    Object.assign(process.env, { SESSION_STORAGE_PATH: folder, ADMIN_TOKEN: TOKEN });
    const made = await start('docs/admin-api.md');
    const url = `http://127.0.0.1:${(made.getHttpServer() as { address(): AddressInfo }).address().port}/admin/sessions`;
    expect((await fetch(url)).status).toBe(401);
    const response = await fetch(url, { headers: { 'x-admin-token': TOKEN } });
    expect([response.status, await response.json()]).toMatchObject([200, { sessions: [] }]);
  });
});

import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { Controller, Get, Inject, Param, Post, UseInterceptors } from '@nestjs/common';
import {
  CurrentSession,
  DownloadInterceptor,
  SessionService,
  type Session,
  type SessionsOptions,
} from 'nest-sessions';
import { SessionsAdminModule } from 'nest-sessions/admin';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';
import { Browser } from './browser.js';
import { startApp, type AdapterName, type RunningApp } from './http-app.js';

@Controller()
class NodeController {
  constructor(@Inject(SessionService) private readonly sessions: SessionService) {}

  @Get('hello')
  hello(@CurrentSession() session: Session) {
    return { id: session.id };
  }

  @Post('files')
  async create(@CurrentSession() session: Session) {
    const file = await this.sessions.createFile(session, { type: 'audio_file' });
    await pipeline([Buffer.from('0123456789')], file);
    return { id: file.resourceId };
  }

  @Get('files/:id')
  @UseInterceptors(DownloadInterceptor)
  download(@CurrentSession() session: Session, @Param('id') id: string) {
    return this.sessions.findResource(session, id);
  }

  /** Reads the file in the handler itself. */
  @Post('files/:id/length')
  async length(@CurrentSession() session: Session, @Param('id') id: string) {
    const { stream } = await this.sessions.openResource({ id });
    let length = 0;
    for await (const chunk of stream) length += (chunk as Buffer).length;
    return { id: session.id, length };
  }
}

/** Two servers on one store, each with a storage root of its own: what a load balancer has before it. */
export class TwoNodes {
  private constructor(
    readonly here: RunningApp,
    readonly there: RunningApp,
    readonly sessionId: string,
    private readonly cookie: string,
    private readonly folder: string,
  ) {}

  static async start(
    adapter: AdapterName,
    options: { here?: SessionsOptions; there?: SessionsOptions } = {},
  ): Promise<TwoNodes> {
    const folder = await mkdtemp(join(tmpdir(), 'nest-sessions-shared-'));
    const start = (own: SessionsOptions = {}): Promise<RunningApp> => {
      const store = new SqliteSessionStore({ path: join(folder, 'sessions.db') });
      return startApp(adapter, {
        imports: [SessionsAdminModule],
        controllers: [NodeController],
        options: {
          openRate: 0,
          maxUnconfirmedPerNetwork: 0,
          maxSessionsPerNetwork: 0,
          ...own,
          adapters: { store },
        },
      });
    };
    const here = await start(options.here);
    const there = await start(options.there);
    const browser = new Browser(here.url);
    const { id } = (await (await browser.fetch('/hello')).json()) as { id: string };
    return new TwoNodes(here, there, id, browser.cookieHeader, folder);
  }

  /** Those of the one browser. */
  get headers(): Record<string, string> {
    return { cookie: this.cookie, 'user-agent': 'test-browser' };
  }

  /** Asks one of the servers, as the one browser, and follows nothing. */
  ask(server: RunningApp, path: string, method = 'GET'): Promise<Response> {
    return fetch(new URL(path, server.url), { method, headers: this.headers, redirect: 'manual' });
  }

  /** Uploads a file of ten bytes there; its id. */
  async addFile(server: RunningApp): Promise<string> {
    const response = await this.ask(server, '/files', 'POST');
    return ((await response.json()) as { id: string }).id;
  }

  async close(): Promise<void> {
    await this.there.close();
    await this.closeHere();
  }

  /** Where the other one is closed already. */
  async closeHere(): Promise<void> {
    await this.here.close();
    await rm(this.folder, { recursive: true, force: true });
  }
}

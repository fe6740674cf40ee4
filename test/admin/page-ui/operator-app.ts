import { Controller, Get, Inject, Post, Query } from '@nestjs/common';
import { pipeline } from 'node:stream/promises';
import { CurrentSession, SessionService, type Session } from 'nest-sessions';
import { SessionsAdminPageModule } from 'nest-sessions/admin';
import { Browser } from '../../support/browser.js';
import { startApp, type AdapterName, type RunningApp } from '../../support/http-app.js';
import { OwnerController } from '../../support/owner-app.js';
import { TOKEN } from '../admin-client.js';

export const READ_TOKEN = 'a-token-that-looks-and-changes-nothing-at-all';

@Controller('named')
class NamedFilesController {
  constructor(@Inject(SessionService) private readonly sessions: SessionService) {}

  @Get()
  id(@CurrentSession() session: Session) {
    return { id: session.id };
  }

  /** A file whose name and purpose its sender chose. */
  @Post()
  async create(@CurrentSession() session: Session, @Query('name') name: string) {
    const file = await this.sessions.createFile(session, { type: 'file', purpose: name, fileName: name });
    await pipeline([Buffer.alloc(10)], file);
    return {};
  }
}

/** An app whose operators have the page. */
export class OperatorApp {
  private constructor(readonly running: RunningApp) {}

  static async start(adapter: AdapterName): Promise<OperatorApp> {
    const running = await startApp(adapter, {
      imports: [SessionsAdminPageModule],
      controllers: [OwnerController, NamedFilesController],
      options: {
        adminTokens: [TOKEN],
        adminReadTokens: [READ_TOKEN],
        store: 'memory',
        journal: 'requests',
        journalPaths: true,
        openRate: 0,
        maxUnconfirmedPerNetwork: 0,
        maxSessionsPerNetwork: 0,
      },
    });
    return new OperatorApp(running);
  }

  get url(): string {
    return `${this.running.url}/admin/sessions/ui`;
  }

  /** A visitor with a session, logged in if a user is given. */
  async open(user?: string, agent?: string): Promise<{ id: string; browser: Browser }> {
    const browser = new Browser(this.running.url, agent);
    const { id } = (await (await browser.fetch('/hello')).json()) as { id: string };
    if (user !== undefined) {
      await browser.fetch(`/login/${encodeURIComponent(user)}`, { method: 'POST' });
    }
    return { id, browser };
  }

  async openMany(count: number, user: string): Promise<string[]> {
    const opened = await Promise.all(Array.from({ length: count }, () => this.open(user)));
    return opened.map(({ id }) => id);
  }

  close(): Promise<void> {
    return this.running.close();
  }
}

import { randomBytes, randomUUID } from 'node:crypto';
import { Controller, Get, Sse } from '@nestjs/common';
import { CurrentSession, SessionService, type Session } from 'nest-sessions';
import { SessionStore } from 'nest-sessions/store';
import { SessionsAdminModule } from 'nest-sessions/admin';
import { NEVER, type Observable } from 'rxjs';
import { AdminClient, TOKEN } from '../admin/admin-client.js';
import { startApp, type AdapterName, type RunningApp } from '../support/http-app.js';

const HOUR_MS = 3_600_000;

@Controller()
class ClientController {
  @Get('hello')
  hello(@CurrentSession() session: Session) {
    return { id: session.id };
  }

  @Sse('events')
  events(): Observable<MessageEvent> {
    return NEVER;
  }
}

export interface OpenedBy {
  readonly userAgent?: string;
  /** `null`: nobody logs in. */
  readonly userId?: string | null;
  readonly ipAddress?: string;
}

/** A server in this process, whose sessions commands in other processes inspect and end. */
export class Server {
  readonly admin: AdminClient;
  readonly sessions: SessionService;
  readonly store: SessionStore;

  private constructor(private readonly running: RunningApp) {
    this.admin = new AdminClient(running.url);
    this.sessions = running.app.get(SessionService);
    this.store = running.app.get(SessionStore);
  }

  static async start(adapter: AdapterName = 'express'): Promise<Server> {
    const options = {
      store: 'sqlite' as const,
      adminTokens: [TOKEN],
      openRate: 0,
      maxUnconfirmedPerNetwork: 0,
      maxSessionsPerNetwork: 0,
    };
    const imports = [SessionsAdminModule];
    return new Server(await startApp(adapter, { options, imports, controllers: [ClientController] }));
  }

  get url(): string {
    return this.running.url;
  }

  get storagePath(): string {
    return this.running.storagePath;
  }

  close(): Promise<void> {
    return this.running.close();
  }

  async open({
    userAgent = 'a browser',
    userId = 'anna',
    ipAddress = '192.0.2.7',
  }: OpenedBy = {}): Promise<Session> {
    const opening = await this.sessions.open({ ipAddress, userAgent });
    if (opening.kind !== 'opened') throw new Error(`The session was not opened: ${opening.kind}`);
    if (userId !== null) await this.sessions.login(opening.session, userId);
    return opening.session;
  }

  async addFile(session: Session, bytes: number, fileName = 'phrase.wav'): Promise<string> {
    const file = await this.sessions.createFile(session, { type: 'audio_file', fileName });
    await new Promise<void>((resolve, reject) => {
      file.once('error', reject).once('close', resolve);
      file.end(Buffer.alloc(bytes, 1));
    });
    return file.resourceId;
  }

  /** Opens a session that a cleanup has to end. */
  async plantDue(reason: 'idle' | 'expired'): Promise<string> {
    const id = randomUUID();
    const createdAt = Date.now() - 2 * HOUR_MS;
    const lifeMs = reason === 'expired' ? HOUR_MS : 24 * HOUR_MS;
    const session = {
      id,
      ipAddress: '192.0.2.8',
      userAgent: 'gone',
      createdAt,
      expiresAt: createdAt + lifeMs,
    };
    const tokenHash = randomBytes(32).toString('base64url');
    const idleMs = reason === 'idle' ? HOUR_MS / 4 : 23 * HOUR_MS;
    const opened = await this.store.sessions.open(
      { ...session, tokenHash, idleMs },
      { maxSessions: 100, network: null },
    );
    if (opened !== 'opened') throw new Error(JSON.stringify(opened));
    await this.store.sessions.touch([{ sessionId: id, at: createdAt + 1000, requests: 1 }]);
    return id;
  }

  /** Roles of the processes in the store. */
  async processes(): Promise<string[]> {
    return (await this.store.fleet.listProcesses()).map(({ role }) => role);
  }
}

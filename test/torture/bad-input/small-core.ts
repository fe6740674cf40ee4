import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  resolveConfig,
  type Session,
  type SessionsConfig,
  type SessionsOptions,
  type SessionToken,
} from 'nest-sessions';
import { ManualClock } from 'nest-sessions/testing';
import { SessionsCore } from '#sessions/core/core';
import { createLocalStorage } from '#sessions/storage/local/create-local-storage';
import { SqliteSessionStore } from '#sessions/stores/sqlite/sqlite-session-store';

export const CLIENT = { ipAddress: '192.0.2.1', userAgent: 'torture' };
const DATABASE = 'sessions.db';

/** One process of the product without HTTP, on a folder of its own, with a clock that is moved by hand. */
export class SmallCore {
  readonly core: SessionsCore;
  readonly clock: ManualClock;
  readonly root: string;
  /** What it logged. */
  readonly lines: string[];

  private constructor(core: SessionsCore, clock: ManualClock, root: string, lines: string[]) {
    this.core = core;
    this.clock = clock;
    this.root = root;
    this.lines = lines;
  }

  static async start(options: SessionsOptions = {}, root?: string): Promise<SmallCore> {
    const folder = root ?? (await mkdtemp(join(tmpdir(), 'nest-sessions-torture-')));
    const config: SessionsConfig = resolveConfig(
      { openRate: 0, maxUnconfirmedPerNetwork: 0, maxSessionsPerNetwork: 0, ...options },
      {},
    );
    const clock = new ManualClock();
    const lines: string[] = [];
    const note = (line: string): void => void lines.push(line);
    const core = new SessionsCore({
      config,
      store: new SqliteSessionStore({ path: join(folder, DATABASE) }),
      ...createLocalStorage({
        root: folder,
        adoptFrom: config.adoptFrom,
        claimTo: config.claimTo,
        minFreeBytes: 0,
        minFreeInodes: 0,
        ballastBytes: 0,
        reservedNames: [DATABASE, `${DATABASE}-wal`, `${DATABASE}-shm`],
      }),
      clock,
      role: 'server',
      logFor: () => ({ debug: note, log: note, warn: note, error: note }),
    });
    try {
      await core.start();
    } catch (error) {
      await core.stop();
      throw error;
    }
    return new SmallCore(core, clock, folder, lines);
  }

  get service(): SessionsCore['service'] {
    return this.core.service;
  }

  get database(): string {
    return join(this.root, DATABASE);
  }

  async open(client = CLIENT): Promise<{ readonly session: Session; readonly token: SessionToken }> {
    const opening = await this.service.open(client);
    if (opening.kind !== 'opened') throw new Error(`no session: ${opening.reason}`);
    return opening;
  }

  /** A file of the session with these contents; its id. */
  async write(session: Session, contents: string, fileName = 'a.wav'): Promise<string> {
    const sink = await this.service.createFile(session, { type: 'audio_file', fileName });
    await new Promise<void>((resolve, reject) => {
      sink.once('error', reject).once('close', resolve).end(contents);
    });
    return sink.resourceId;
  }

  /** Lets go of all but the folder. */
  async stop(): Promise<void> {
    await this.core.quiesce();
    await this.core.stop();
  }

  async destroy(): Promise<void> {
    await this.stop().catch(() => undefined);
    await rm(this.root, { recursive: true, force: true });
  }
}

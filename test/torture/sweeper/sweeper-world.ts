import { join } from 'node:path';
import { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { resolveConfig } from '../../../libs/sessions/dist/core/config/config.js';
import { SessionsCore } from '../../../libs/sessions/dist/core/core.js';
import { createLocalStorage } from '../../../libs/sessions/dist/storage/local/create-local-storage.js';
import type { Session } from '../../../libs/sessions/dist/core/handles/session.js';
import type { ResourceRecord } from '../../../libs/sessions/dist/domain/resource.js';
import { ManualClock } from '../../../libs/sessions/dist/testing/manual-clock.js';
import { SqliteSessionStore } from '../../../libs/sessions/dist/stores/sqlite/sqlite-session-store.js';

const DATABASE = 'sessions.db';
const silent = { debug() {}, log() {}, warn() {}, error() {} };

/** One process of the product without HTTP, in this process; its time moves when it is told to. */
export class SweeperWorld {
  readonly core: SessionsCore;
  readonly clock: ManualClock;
  readonly root: string;

  private constructor(core: SessionsCore, clock: ManualClock, root: string) {
    this.core = core;
    this.clock = clock;
    this.root = root;
  }

  static async start(root: string, clock = new ManualClock()): Promise<SweeperWorld> {
    const config = resolveConfig(
      {
        openRate: 0,
        maxUnconfirmedPerNetwork: 0,
        maxSessionsPerNetwork: 0,
        maxDurationSeconds: 86_400,
        maxIdleSeconds: 900,
      },
      {},
    );
    const store = new SqliteSessionStore({ path: join(root, DATABASE) });
    const files = createLocalStorage({
      root,
      minFreeBytes: 0,
      minFreeInodes: 0,
      ballastBytes: 0,
      reservedNames: [DATABASE],
    });
    const core = new SessionsCore({ config, store, ...files, clock, role: 'server', logFor: () => silent });
    await core.start();
    return new SweeperWorld(core, clock, root);
  }

  async open(): Promise<Session> {
    const opening = await this.core.service.open({ ipAddress: '192.0.2.1', userAgent: 'a visitor' });
    if (opening.kind !== 'opened') throw new Error(`not opened: ${opening.reason}`);
    return opening.session;
  }

  async addFile(session: Session, bytes: Buffer): Promise<ResourceRecord> {
    const sink = await this.core.service.createFile(session, { type: 'audio_file' });
    await pipeline(Readable.from([bytes], { objectMode: false }), sink);
    return sink.resource;
  }

  async read(resource: ResourceRecord): Promise<Buffer> {
    const { stream } = await this.core.service.openResource(resource);
    const chunks: Buffer[] = [];
    for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
    return Buffer.concat(chunks);
  }

  /** Sweeps without any grace: what looks like an orphan is one. */
  async sweep(): Promise<{ orphans: number; deleted: number; foreign: number; failures: number }> {
    const { sweep, failures } = await this.core.cleanup.run('orphans', { orphanGraceMs: 0 });
    if (!sweep) throw new Error('The sweep did not run');
    const { orphans, deleted, foreign } = sweep;
    return { orphans, deleted, foreign, failures };
  }

  fileOf({ sessionId, id }: Pick<ResourceRecord, 'sessionId' | 'id'>): string {
    return join(this.folderOf(sessionId), hex(id));
  }

  folderOf(sessionId: string): string {
    return join(this.root, 's', hex(sessionId).slice(0, 2), hex(sessionId));
  }

  async stop(): Promise<void> {
    await this.core.quiesce();
    await this.core.stop();
  }
}

function hex(id: string): string {
  return id.replaceAll('-', '');
}

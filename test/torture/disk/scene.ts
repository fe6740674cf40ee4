import { mkdirSync, readdirSync, type Dirent } from 'node:fs';
import { join } from 'node:path';
import type { CampaignContext } from '../campaign.ts';
import type { Mounts } from './mounts.ts';
import type { ServerPlan } from './server-messages.ts';
import { ServerProcess } from './server-process.ts';
import type { Visitor } from './visitor.ts';

/** By then what the storage knows of its disk is new, and what health knows of the storage. */
const ROOM_IS_FRESH_MS = 300;
const HEALTH_IS_FRESH_MS = 1100;

/** What every visitor uploads. */
export const BYTES = new Uint8Array(200_000).fill(7);

/** One server on disks of its own, and what is promised of it whatever they do. */
export class Scene {
  readonly folder: string;
  readonly mounts: Mounts;
  readonly random: () => number;
  private readonly name: string;
  private readonly context: CampaignContext;

  constructor(context: CampaignContext, name: string, base: string, mounts: Mounts) {
    this.context = context;
    this.name = name;
    this.random = context.random;
    this.mounts = mounts;
    this.folder = join(base, name.replaceAll(/\W+/g, '-'));
    mkdirSync(this.folder, { mode: 0o700 });
  }

  /** A folder of its own, for what is to lie on a disk without faults. */
  place(name: string): string {
    const path = join(this.folder, name);
    mkdirSync(path, { mode: 0o700 });
    return path;
  }

  holds(isTrue: boolean, promise: string): void {
    if (!isTrue) this.context.violation(`${this.name}: ${promise}`);
  }

  note(message: string): void {
    this.context.note(`${this.name}: ${message}`);
  }

  /** A server for as long as the work takes, which it has to survive. */
  async serve(
    plan: Omit<ServerPlan, 'adminToken' | 'manualClock'>,
    work: (server: ServerProcess) => Promise<void>,
  ): Promise<void> {
    const server = await ServerProcess.start({ ...plan, manualClock: true });
    try {
      await work(server);
      this.holds(server.isAlive, `the server died: ${server.log.slice(-500)}`);
    } finally {
      await server.stop();
    }
  }

  /** A visitor with one file of `BYTES`; its id too. */
  async visitorWithFile(server: ServerProcess): Promise<{ visitor: Visitor; file: string }> {
    const visitor = await server.visit();
    const uploaded = await visitor.upload(BYTES);
    if (!('id' in uploaded)) throw new Error(`An upload before anything went wrong: ${uploaded.status}`);
    return { visitor, file: uploaded.id };
  }

  /** Uploads are refused for want of a disk, and in no other way. */
  async uploadsAreRefused(visitor: Visitor): Promise<void> {
    const { status } = await visitor.upload(BYTES);
    this.holds(status === 507 || status === 503, `an upload was answered ${status}, not 507 or 503`);
  }

  async readsGoOn(server: ServerProcess, visitor: Visitor, file: string): Promise<void> {
    const read = await visitor.download(file);
    this.holds(typeof read !== 'number', `a download was answered ${String(read).slice(0, 20)}`);
    if (typeof read !== 'number') this.holds(Buffer.compare(read, BYTES) === 0, 'a download has other bytes');
    await this.requestsGoOn(server, visitor);
  }

  async requestsGoOn(server: ServerProcess, visitor: Visitor): Promise<void> {
    const { sessionId } = visitor;
    const status = await visitor.arrive();
    this.holds(status === 200 && visitor.sessionId === sessionId, `a known session was answered ${status}`);
    const admin = await server.admin('');
    this.holds(
      admin.status === 200,
      `the admin list was answered ${admin.status}: ${JSON.stringify(admin.body)}`,
    );
  }

  async isDown(server: ServerProcess, problem: RegExp): Promise<void> {
    const { status, sessions } = await freshHealth(server);
    this.holds(status === 503, `health answered ${status}`);
    this.holds(
      problem.test(JSON.stringify(sessions)),
      `health does not say why: ${JSON.stringify(sessions)}`,
    );
  }

  /** Once there is nothing wrong any more, two cleanups bring everything back. */
  async isBackAfterTwoCleanups(server: ServerProcess): Promise<void> {
    await server.cleanUp();
    await server.cleanUp();
    await new Promise((resolve) => setTimeout(resolve, ROOM_IS_FRESH_MS));
    const visitor = await server.visit();
    const { status } = await visitor.upload(BYTES);
    this.holds(status === 201, `after two cleanups an upload was answered ${status}`);
    const health = await freshHealth(server);
    this.holds(
      health.status === 200,
      `after two cleanups health is ${health.status}: ${JSON.stringify(health.sessions)}`,
    );
  }
}

async function freshHealth(server: ServerProcess): ReturnType<ServerProcess['health']> {
  server.advance(HEALTH_IS_FRESH_MS);
  await new Promise((resolve) => setTimeout(resolve, HEALTH_IS_FRESH_MS));
  return server.health();
}

/** The files of sessions below a storage root, those in the trash too. */
export function filesIn(root: string): string[] {
  return ['s', 'trash'].flatMap((part) => filesBelow(join(root, part)));
}

/** A folder that is deleted while it is looked through has no files. */
function filesBelow(folder: string): string[] {
  let entries: Dirent[];
  try {
    entries = readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return [];
    throw error;
  }
  return entries.flatMap((entry) => {
    const path = join(folder, entry.name);
    return entry.isDirectory() ? filesBelow(path) : [path];
  });
}

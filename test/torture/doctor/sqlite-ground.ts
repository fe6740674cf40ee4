import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { DatabaseSync, type SQLInputValue } from 'node:sqlite';
import { resolveConfig } from '../../../libs/sessions/dist/core/config/config.js';
import type { SessionsCore } from '../../../libs/sessions/dist/core/core.js';
import { AnchoredClock } from '../../../libs/sessions/dist/core/clock/system-clock.js';
import { startCore } from '../../../libs/sessions/dist/assembly/start-core.js';
import { Doctor } from '../../../libs/sessions/dist/operate/doctor/doctor.js';
import { folderOf } from '../processes/folder.ts';
import { pause } from '../processes/scratch.ts';
import { RemoteServer } from '../remote/remote-server.ts';
import { runCli } from '../remote/cli.ts';
import { dumpOf, fileName, type Dump } from './dump.ts';
import type { VictimOfDisk } from './file-damages.ts';
import { GRACE_MS, type Ground } from './round.ts';
import { shuffled } from './shuffled.ts';

const SESSIONS = 12;
const FILES = 3;
/** So that what is due is cleaned up again and again. */
export const OPTIONS = { cleanupIntervalSeconds: 1 };
const SILENT = { debug() {}, log() {}, warn() {}, error() {} };

/** One session, as damages need it. */
export interface Victim extends VictimOfDisk {
  readonly key: number;
  readonly userId: string;
  readonly file: { readonly id: string; readonly key: number; readonly path: string };
}

/** A storage folder with a live server and a doctor, and a way around both. */
export class SqliteGround implements Ground<Victim> {
  readonly root: string;
  readonly server: RemoteServer;
  readonly core: SessionsCore;
  readonly db: DatabaseSync;
  readonly random: () => number;
  readonly doctor: Doctor;

  private constructor(
    root: string,
    server: RemoteServer,
    core: SessionsCore,
    random: () => number,
    motionMs: number | undefined,
  ) {
    this.root = root;
    this.server = server;
    this.core = core;
    this.random = random;
    this.doctor = new Doctor(core, SILENT, motionMs);
    // As somebody who knows nothing of the rules.
    this.db = new DatabaseSync(join(root, 'sessions.db'), {
      timeout: 10_000,
      enableForeignKeyConstraints: false,
    });
  }

  /** `motionMs`: see `Doctor`. */
  static async make(
    root: string,
    random: () => number,
    cleansUp: boolean,
    motionMs?: number,
  ): Promise<SqliteGround> {
    const server = await RemoteServer.start({ root, options: OPTIONS, cleansUp });
    const config = resolveConfig(
      { storagePath: root, ballastBytes: 0, minFreeBytes: 0, minFreeInodes: 0 },
      {},
    );
    const core = await startCore({
      config: { ...config, orphanGraceMs: GRACE_MS },
      clock: new AnchoredClock(),
      role: 'cli',
      logFor: () => SILENT,
    });
    return new SqliteGround(root, server, core, random, motionMs);
  }

  async close(): Promise<void> {
    this.db.close();
    await this.core.quiesce();
    await this.core.stop();
    await this.server.stop();
  }

  /** Sessions of two users, with files and data. */
  async populate(): Promise<void> {
    for (const { id, token } of await this.server.ask.open(SESSIONS)) {
      await this.server.ask.login(token, this.random() < 0.5 ? 'ada' : 'bob');
      for (let file = 0; file < FILES; file += 1)
        await this.server.ask.upload(id, [1 + Math.floor(this.random() * 5000)]);
      const write = { operation: randomBytes(12).toString('base64url'), at: Date.now() };
      const changes = [{ key: 'planted', json: JSON.stringify('x'.repeat(Math.floor(this.random() * 50))) }];
      await this.core.store.data.write(id, null, {
        ...write,
        changes,
        limits: { maxBytes: 9999, maxKeys: 9 },
      });
    }
    // What the server still buffers would change rows while damages are planted.
    await pause(1500);
  }

  async dump(): Promise<Dump> {
    return dumpOf(this.db, this.root);
  }

  command(...args: readonly string[]): ReturnType<Ground<Victim>['command']> {
    return runCli(this.root, args);
  }

  run(sql: string, ...values: SQLInputValue[]): void {
    this.db.prepare(sql).run(...values);
  }

  number(sql: string, ...values: SQLInputValue[]): number {
    return Number(Object.values(this.db.prepare(sql).get(...values) ?? { none: 0 })[0]);
  }

  async victims(): Promise<Victim[]> {
    const rows = this.db
      .prepare(
        "SELECT key, lower(hex(id)) AS id, user_id FROM sessions WHERE state = 'open' AND resource_count > 0",
      )
      .all();
    return shuffled(rows, this.random).map((row) => {
      const [id, key] = [withDashes(String(row['id'])), Number(row['key'])];
      const folder = folderOf(this.root, id);
      const file = this.fileOf(key, folder);
      const released = [
        `resources ${file.key}`,
        `sessions ${key}`,
        'budgets',
        'type_totals',
        fileName(this.root, file.path),
      ];
      return { id, key, userId: String(row['user_id']), folder, file, released };
    });
  }

  private fileOf(sessionKey: number, folder: string): Victim['file'] {
    const rows = this.db
      .prepare(
        "SELECT key, lower(hex(id)) AS id FROM resources WHERE session_key = ? AND state = 'ready' AND process_id IS NULL",
      )
      .all(sessionKey);
    const row = rows[Math.floor(this.random() * rows.length)] ?? {};
    const hex = String(row['id']);
    return { id: withDashes(hex), key: Number(row['key']), path: join(folder, hex) };
  }

  /** A whole number from 1 to `most`. */
  upTo(most: number): number {
    return 1 + Math.floor(this.random() * most);
  }
}

function withDashes(hex: string): string {
  return hex.replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}

/* oxlint-disable no-await-in-loop -- cleanups run in reverse order */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { lstatSync, mkdirSync, mkdtempSync, readFileSync, readdirSync, realpathSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  createLocalStorage,
  type LocalStorage,
  type LocalStorageOptions,
} from '#sessions/storage/local/create-local-storage';
import type {
  FileKey,
  FileStorage,
  KnownResources,
  ScannedFile,
  TrashReport,
} from '#sessions/ports/storage/file-storage';

export const STORE = { generation: randomUUID(), counter: 1 };
export const LIBRARY = pathToFileURL(
  resolve('libs/sessions/dist/storage/local/create-local-storage.js'),
).href;

/** The start of a program: a connected `storage` in the folder of its first argument. */
export const CONNECTED = `
  const { createLocalStorage } = await import(${JSON.stringify(LIBRARY)});
  const options = { root: process.argv[1], minFreeBytes: 0, minFreeInodes: 0, ballastBytes: 0 };
  const { storage, storageRoot } = createLocalStorage(options);
  await storageRoot.connect({ generation: 'a', counter: 1 });
  await storage.connect();`;

/** A temporary folder of a test, with everything to undo before its deletion. */
export class Place {
  readonly path = realpathSync(mkdtempSync(join(tmpdir(), 'ns-')));
  readonly root = join(this.path, 'root');
  readonly warnings: string[] = [];
  private readonly undo: (() => unknown)[] = [];

  /** Files and their root, not connected yet; closed after the test. */
  local(options: Partial<LocalStorageOptions> = {}): LocalStorage {
    const local = createLocalStorage({
      root: this.root,
      minFreeBytes: 0,
      minFreeInodes: 0,
      ballastBytes: 0,
      onWarning: (message) => this.warnings.push(message),
      ...options,
    });
    this.after(() => local.storage.close());
    return local;
  }

  async connected(options: Partial<LocalStorageOptions> = {}, store = STORE): Promise<LocalStorage> {
    const local = this.local(options);
    await local.storageRoot.connect(store);
    await local.storage.connect();
    return local;
  }

  /** Mounts a file system of this size until the test ends. */
  mountTmpfs(path: string, options: string): void {
    mkdirSync(path, { recursive: true });
    this.mount(['-t', 'tmpfs', '-o', `mode=0700,${options}`, 'tmpfs', path], path);
  }

  mount(args: readonly string[], path: string): void {
    run('mount', args, 'This test mounts file systems: run it on Linux as root, with CAP_SYS_ADMIN.');
    this.after(() => {
      // The test may have unmounted it.
      if (readFileSync('/proc/self/mounts', 'utf8').includes(` ${path} `))
        execFileSync('umount', ['-l', path]);
    });
  }

  /** Prevents its deletion, even by root, until the test ends. */
  makeImmutable(path: string): void {
    run('chattr', ['+i', path], 'This test needs chattr +i: run it on Linux as root, on ext4, xfs or btrfs.');
    this.after(() => this.makeMutable(path));
  }

  makeMutable(path: string): void {
    // It may have been moved or deleted.
    try {
      execFileSync('chattr', ['-i', path], { stdio: 'ignore' });
    } catch {}
  }

  after(undo: () => unknown): void {
    this.undo.unshift(undo);
  }

  async leave(): Promise<void> {
    for (const undo of this.undo.splice(0)) await undo();
    rmSync(this.path, { recursive: true, force: true });
  }
}

export function run(command: string, args: readonly string[], needs: string): void {
  try {
    execFileSync(command, args, { stdio: 'pipe' });
  } catch (error) {
    throw new Error(`${needs} (${command} ${args.join(' ')})`, { cause: error });
  }
}

/** One attempt to delete all of the trash. */
export async function emptyTrash(storage: FileStorage): Promise<TrashReport> {
  const entries = await storage.listTrash();
  const reports = await Promise.all(entries.map(({ ticket }) => storage.emptyTrash(ticket)));
  return {
    files: reports.reduce((sum, { files }) => sum + files, 0),
    bytes: reports.reduce((sum, { bytes }) => sum + bytes, 0),
    failure: reports.find(({ failure }) => failure !== null)?.failure ?? null,
  };
}

export function newKey(sessionId: string = randomUUID()): FileKey {
  return { sessionId, resourceId: randomUUID() };
}

export function hex(id: string): string {
  return id.replaceAll('-', '');
}

export function folderOf(root: string, sessionId: string): string {
  return join(root, 's', hex(sessionId).slice(0, 2), hex(sessionId));
}

export function fileOf(root: string, key: FileKey): string {
  return join(folderOf(root, key.sessionId), hex(key.resourceId));
}

export async function write(storage: FileStorage, text = 'hello', key: FileKey = newKey()): Promise<FileKey> {
  const writer = await storage.create(key);
  await writer.write([Buffer.from(text)]);
  await writer.finish();
  return key;
}

export async function read(storage: FileStorage, key: FileKey): Promise<string | null> {
  const stream = await storage.read(key);
  if (!stream) return null;
  const chunks: Buffer[] = [];
  for await (const chunk of stream as AsyncIterable<Buffer>) chunks.push(chunk);
  return Buffer.concat(chunks).toString();
}

export const nothingKnown: KnownResources = async (sessionIds) => sessionIds.map(() => '');

/** All files: a scan for a store without records. */
export async function scanAll(
  storage: FileStorage,
): Promise<{ files: ScannedFile[]; foreign: number; empty: string[] }> {
  const found = { files: [] as ScannedFile[], foreign: 0, empty: [] as string[] };
  for await (const { unknown, foreign, empty } of storage.scan(nothingKnown)) {
    found.files.push(...unknown);
    found.foreign += foreign;
    found.empty.push(...empty);
  }
  return found;
}

/** Every path below a folder with its kind, inode and mode, to prove that nothing changed. */
export function snapshot(folder: string | Buffer): string[] {
  const base = Buffer.from(folder);
  const lines: string[] = [];
  for (const name of readdirSync(base, { encoding: 'buffer' })) {
    const path = Buffer.concat([base, Buffer.from('/'), name]);
    const stat = lstatSync(path);
    lines.push(`${path.toString('latin1')} ${stat.mode.toString(8)} ${stat.ino} ${stat.nlink}`);
    if (stat.isDirectory()) lines.push(...snapshot(path));
  }
  return lines;
}

export function openFiles(): number {
  return readdirSync('/proc/self/fd').length;
}

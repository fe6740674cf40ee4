import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chownSync,
  linkSync,
  lutimesSync,
  mkdirSync,
  mkdtempSync,
  renameSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { below, type Bytes } from './listing.ts';

const SOMEBODY = 12_345;
/** Each stays for a whole campaign; many make every look at the file system slow. */
const MAX_MOUNTS = 24;
const MAX_SOCKETS = 200;
const TIMES = [new Date(0), new Date('2100-01-01'), new Date('1901-12-14'), null, null];

/** Where entries are planted: which names the product itself uses there, and for what. */
export interface Level {
  readonly folder: string;
  /** A name of ours for this place. */
  readonly ourName: () => string;
  /** The kinds of entries that would be ours under such a name: orphans, or folders that they lay in. */
  readonly ours: readonly string[];
}

/** Plants what is not ours, of every kind and under every kind of name, and undoes its mounts in the end. */
export class ForeignEntries {
  private readonly outside: string;
  private readonly random: () => number;
  private readonly liveFiles: readonly string[];
  private readonly mounts: string[] = [];
  private sockets = 0;
  readonly planted: Bytes[] = [];
  readonly kinds = new Map<string, number>();

  /** `outside` is for what links lead to; `liveFiles` are files of ours that links may lead to. */
  constructor(outside: string, liveFiles: readonly string[], random: () => number) {
    this.outside = outside;
    this.liveFiles = liveFiles;
    this.random = random;
    mkdirSync(join(outside, 'folder', hex(), hex()), { recursive: true });
    writeFileSync(join(outside, 'folder', hex()), 'a file that looks like ours');
    const shard = join(outside, 'shard');
    mkdirSync(shard);
    // Whatever shard it is taken for, one of these has the name of a session's folder in it.
    for (let first = 0; first < 256; first += 1) {
      const session = join(shard, `${first.toString(16).padStart(2, '0')}${hex().slice(2)}`);
      mkdirSync(session);
      writeFileSync(join(session, hex()), 'precious');
    }
  }

  async plant(level: Level): Promise<void> {
    const looksOurs = this.random() < 0.4;
    const kinds = Object.keys(this.makers).filter((kind) => !looksOurs || !level.ours.includes(kind));
    const kind = this.pick(kinds);
    const path = below(level.folder, looksOurs ? level.ourName() : this.strangeName());
    const made = await this.makers[kind]?.(path);
    if (made === false) return this.plant(level);
    const time = this.pick(TIMES);
    if (time && !kind.startsWith('mount')) lutimesSync(path, time, time);
    this.planted.push(path);
    this.kinds.set(kind, (this.kinds.get(kind) ?? 0) + 1);
  }

  async clear(): Promise<void> {
    for (const path of this.mounts.splice(0).toReversed()) execFileSync('umount', ['-l', path]);
  }

  /** Each makes one entry; `false` where there are enough of its kind. */
  private readonly makers: Readonly<Record<string, (path: Bytes) => unknown>> = {
    file: (path) => writeFileSync(path, randomUUID()),
    'empty file': (path) => writeFileSync(path, ''),
    folder: (path) => {
      mkdirSync(path);
      writeFileSync(below(path, 'inside'), 'inside');
    },
    'empty folder': (path) => mkdirSync(path),
    'link to a file outside': (path) => symlinkSync(join(this.outside, 'shard'), path),
    'link to a folder outside': (path) => symlinkSync(join(this.outside, 'folder'), path),
    'link to a file of ours': (path) => symlinkSync(this.pick(this.liveFiles), path),
    'link to nothing': (path) => symlinkSync('nothing', path),
    'link to itself': (path) => symlinkSync(path.subarray(path.lastIndexOf('/') + 1), path),
    'link upwards': (path) => symlinkSync('..', path),
    'hard link': (path) => {
      const original = join(this.outside, randomUUID());
      writeFileSync(original, 'precious');
      linkSync(original, path);
    },
    fifo: (path) => this.makeNode(path, 'p'),
    'character device': (path) => this.makeNode(path, 'c', '1', '3'),
    'block device': (path) => this.makeNode(path, 'b', '7', '250'),
    socket: (path) => this.sockets < MAX_SOCKETS && this.makeSocket(path),
    "another's file": (path) => {
      writeFileSync(path, 'theirs');
      chownSync(path, SOMEBODY, SOMEBODY);
    },
    "another's folder": (path) => {
      mkdirSync(path);
      chownSync(path, SOMEBODY, SOMEBODY);
    },
    'mount of another disk': (path) => this.mount(path, ['-t', 'tmpfs', '-o', 'size=64k', 'tmpfs']),
    'mount of the same disk': (path) => this.mount(path, ['--bind', join(this.outside, 'folder')]),
    'mount of a folder like ours': (path) => this.mount(path, ['--bind', join(this.outside, 'shard')]),
  };

  /** mknod(1) takes names as bytes only by way of a link-free rename. */
  private makeNode(path: Bytes, ...kind: string[]): void {
    const draft = join(this.outside, `node-${randomUUID()}`);
    execFileSync('mknod', [draft, ...kind]);
    renameSync(draft, path);
  }

  private async makeSocket(path: Bytes): Promise<void> {
    this.sockets += 1;
    const draft = join(mkdtempSync(join(this.outside, 'k')), 's');
    const server = createServer();
    await new Promise<void>((resolve) => server.listen(draft, resolve));
    renameSync(draft, path);
    await new Promise((resolve) => server.close(resolve));
  }

  private mount(path: Bytes, args: readonly string[]): boolean {
    const text = path.toString('utf8');
    if (this.mounts.length >= MAX_MOUNTS || !Buffer.from(text).equals(path) || text.includes('\n'))
      return false;
    mkdirSync(path);
    execFileSync('mount', [...args, text]);
    this.mounts.push(text);
    return true;
  }

  private strangeName(): Bytes | string {
    const id = hex();
    return this.pick<() => Bytes | string>([
      () => `note-${id}.txt`,
      () => `.${id}`,
      () => `${id}.part.part`,
      () => `${id}.PART`,
      () => `${id.slice(1)}g`,
      () => id.slice(1),
      () => `${id}0`,
      () => id.toUpperCase().replace(/^./, 'A'),
      () => `${id}-${id}x`,
      () => `-rf ${id}`,
      () => `ünïcødé ${id}`,
      () => `line\nbreak ${id}`,
      () => ` ${id}`,
      () => `${id.slice(0, 8)}${'x'.repeat(240)}`,
      () => Buffer.concat([Buffer.from([0xff, 0xfe, 0x41]), Buffer.from(id)]),
      () => Buffer.concat([Buffer.from(id), Buffer.from([0x80])]),
      () => `sessions.db.${id}`.replace('db', 'bd'),
      () => `.nest-sessions.json.${id}.old`,
    ])();
  }

  private pick<Item>(items: readonly Item[]): Item {
    const item = items[Math.floor(this.random() * items.length)];
    if (item === undefined) throw new RangeError('Nothing to pick from');
    return item;
  }
}

function hex(): string {
  return randomUUID().replaceAll('-', '');
}

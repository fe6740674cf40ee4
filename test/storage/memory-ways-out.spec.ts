import { spawnSync } from 'node:child_process';
import { randomBytes, randomUUID } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import promises from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join, resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { Readable } from 'node:stream';
import type { FileKey } from '#sessions/ports/storage/file-storage';
import type { LentFile, StoredBytes } from '#sessions/ports/storage/ways-out';
import { MemoryStorageRoot } from '#sessions/storage/memory/memory-storage-root';
import { ProcessMark } from '#sessions/storage/memory/process-mark';
import { World } from '../support/world.js';

const LIBRARY = pathToFileURL(resolve('libs/sessions/dist/storage/memory/memory-storage-root.js')).href;
const source = {
  link: async () => false,
  read: async () => Readable.from([Buffer.from('spoken')], { objectMode: false }),
} as unknown as StoredBytes;

const newKey = (): FileKey => ({ sessionId: randomUUID(), resourceId: randomUUID() });
const hex = (id: string): string => id.replaceAll('-', '');

describe('Files of the memory on their way out', () => {
  let root: MemoryStorageRoot;
  let folder: string;
  const made: string[] = [];
  beforeEach(() => {
    root = new MemoryStorageRoot();
    folder = mkdtempSync(join(tmpdir(), 'claimed-'));
    made.push(folder);
  });
  afterEach(() => {
    jest.restoreAllMocks();
    for (const path of made.splice(0)) rmSync(path, { recursive: true, force: true });
  });

  const lend = async (owner = randomUUID(), key = newKey()): Promise<LentFile> => {
    const lent = await root.lentFiles.lend(source, key, { owner, extension: 'wav' });
    if (!lent) throw new Error('nothing was lent');
    made.push(dirname(lent.path));
    return lent;
  };
  const listed = async (owner: string) =>
    (await root.lentFiles.list()).filter((entry) => entry.owner === owner);

  describe('lent', () => {
    /** What a process has lent that was killed; its folder. */
    const leftBehind = (owner: string): string => {
      const program = `
        const { MemoryStorageRoot } = await import(${JSON.stringify(LIBRARY)});
        const { Readable } = await import('node:stream');
        const source = { link: async () => false, read: async () => Readable.from([Buffer.from('left')]) };
        const key = { sessionId: ${JSON.stringify(randomUUID())}, resourceId: ${JSON.stringify(randomUUID())} };
        const name = { owner: ${JSON.stringify(owner)}, extension: 'wav' };
        const lent = await new MemoryStorageRoot().lentFiles.lend(source, key, name);
        process.stdout.write(lent.path, () => process.kill(process.pid, 'SIGKILL'));`;
      const { stdout, signal } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
        encoding: 'utf8',
      });
      expect([signal, readFileSync(stdout, 'utf8')]).toEqual(['SIGKILL', 'left']);
      made.push(dirname(stdout));
      return dirname(stdout);
    };
    /** A folder as a process with this mark would make it. */
    const folderOf = (mark: string, owner: string): string => {
      const path = join(tmpdir(), `nest-sessions-${mark}-${hex(owner)}-${randomBytes(3).toString('hex')}`);
      mkdirSync(path);
      writeFileSync(join(path, 'file.wav'), 'theirs');
      made.push(path);
      return path;
    };

    it('are gone with the first cleanup after a kill; those of the living stay', async () => {
      const left = leftBehind(randomUUID());
      const { path } = await lend();
      const world = await World.create('memory');
      try {
        await world.core.cleanup.runAll();
      } finally {
        await world.close();
      }
      expect([existsSync(left), existsSync(path)]).toEqual([false, true]);
    });

    it('are listed if they are of this memory, or of a process that is certainly dead', async () => {
      const [place, pid, start] = String(await ProcessMark.own()).split('-') as [string, string, string];
      const owner = randomUUID();
      const living = folderOf(`${place}-${pid}-${start}`, owner);
      const elsewhere = folderOf(`00000000-${pid}-${start}1`, owner);
      const parent = folderOf(`${place}-${process.ppid}-${start}1`, owner);
      const dead = leftBehind(owner);
      const own = await lend(owner);
      const names = (await listed(owner)).map(({ name }) => join(tmpdir(), name));
      expect(new Set(names)).toEqual(new Set([parent, dead, dirname(own.path)]));
      for (const entry of await listed(owner)) await root.lentFiles.remove(entry);
      expect([parent, dead, own.path].filter(existsSync)).toEqual([]);
      expect([living, elsewhere].filter(existsSync)).toEqual([living, elsewhere]);
    });

    it('are nothing but folders of ours: what only has such a name stays', async () => {
      const owner = randomUUID();
      const [place] = String(await ProcessMark.own()).split('-');
      const name = `nest-sessions-${place}-999999999-1-${hex(owner)}-abcdef`;
      writeFileSync(join(folder, 'precious'), '');
      symlinkSync(folder, join(tmpdir(), name));
      made.push(join(tmpdir(), name));
      expect(await listed(owner)).toEqual([]);
      for (const foreign of [name, `../${folder.slice(1)}`, folder.slice(tmpdir().length + 1)])
        await root.lentFiles.remove({ owner, name: foreign });
      expect(readdirSync(folder)).toEqual(['precious']);
    });

    it('to several at once are one copy, in a folder for each', async () => {
      const [owner, key] = [randomUUID(), newKey()];
      const lents = await Promise.all([lend(owner, key), lend(owner, key), lend(owner, key)]);
      expect(new Set(lents.map(({ path }) => lstatSync(path).ino)).size).toBe(1);
      expect(await listed(owner)).toHaveLength(3);
      for (const lent of lents) await lent.takeBack();
      expect(lents.map(({ path }) => dirname(path)).filter(existsSync)).toEqual([]);
    });

    it('to several at once have one path where there are no links', async () => {
      jest.spyOn(promises, 'link').mockRejectedValue(Object.assign(new Error('no links'), { code: 'EPERM' }));
      const [owner, key] = [randomUUID(), newKey()];
      const lents = await Promise.all([lend(owner, key), lend(owner, key)]);
      expect([lents[0]?.path, (await listed(owner)).length]).toEqual([lents[1]?.path, 1]);
      await lents[0]?.takeBack();
      expect(readFileSync(lents[1]?.path ?? '', 'utf8')).toBe('spoken');
      await lents[1]?.takeBack();
      expect(await listed(owner)).toEqual([]);
    });
  });

  describe('claimed', () => {
    const target = (): string => join(folder, 'answer.wav');
    const prepare = () => root.claims.prepare(source, newKey(), target());

    it('are durable, file and name, before anybody hears that they are there', async () => {
      const synced: string[] = [];
      const probe = await promises.open(folder);
      const handles = Object.getPrototypeOf(probe) as typeof probe;
      await probe.close();
      // oxlint-disable-next-line typescript/unbound-method -- called with a handle below
      const { sync } = handles;
      jest.spyOn(handles, 'sync').mockImplementation(async function (this: typeof probe) {
        synced.push(readlinkSync(`/proc/self/fd/${this.fd}`).replace(/\.[0-9a-f]{32}\./, '.draft.'));
        await sync.call(this);
      });
      const claim = await prepare();
      expect(synced.splice(0)).toEqual([join(folder, '.draft.claim'), folder]);
      await claim.place();
      expect(synced).toEqual([folder]);
      await claim.complete();
      expect(readdirSync(folder)).toEqual(['answer.wav']);
    });

    it('are refused by name where there are no links, and leave nothing', async () => {
      const claim = await prepare();
      jest
        .spyOn(promises, 'link')
        .mockRejectedValueOnce(Object.assign(new Error('no links'), { code: 'EPERM' }));
      await expect(claim.place()).rejects.toMatchObject({
        code: 'INVALID_ARGUMENT',
        message: expect.stringContaining('claimTo has no hard links') as string,
      });
      await claim.abort();
      expect(readdirSync(folder)).toEqual([]);
    });

    it('are refused by name where the disk is full, and leave nothing', async () => {
      const full = {
        ...source,
        read: async () =>
          new Readable({
            read() {
              this.destroy(Object.assign(new Error('full'), { code: 'ENOSPC' }));
            },
          }),
      };
      const claim = root.claims.prepare(full, newKey(), target());
      await expect(claim).rejects.toMatchObject({ code: 'STORAGE_FULL' });
      expect(readdirSync(folder)).toEqual([]);
    });
  });
});

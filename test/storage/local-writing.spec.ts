/* oxlint-disable no-await-in-loop -- the steps depend on each other */
import { execFileSync, spawn } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  statfsSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import filesystem from 'node:fs/promises';
import { join } from 'node:path';
import type { LocalFileStorage } from '#sessions/storage/local/local-file-storage';
import {
  CONNECTED,
  emptyTrash,
  fileOf,
  folderOf,
  hex,
  newKey,
  openFiles,
  Place,
  read,
  scanAll,
  snapshot,
  write,
} from './local-support.js';

function modeOf(path: string): number {
  return lstatSync(path).mode & 0o7777;
}

/** The session folders in a root. */
function foldersOf(root: string): string[] {
  return readdirSync(join(root, 's')).flatMap((shard) => readdirSync(join(root, 's', shard)));
}

/** Fills a storage until it rejects; answers the error. */
async function fill(storage: LocalFileStorage, chunk: Buffer): Promise<unknown> {
  for (;;) {
    const writer = await storage.create(newKey()).catch((error: unknown) => ({ error }));
    if ('error' in writer) return writer.error;
    try {
      // The system writes part of this if the disk fills up in the middle.
      await writer.write([chunk, chunk, chunk, chunk]);
      expect(await writer.finish()).toBe(4 * chunk.byteLength);
    } catch (error) {
      return error;
    }
  }
}

describe('writing to the local storage', () => {
  let place: Place;

  beforeEach(() => {
    place = new Place();
  });
  afterEach(() => place.leave());

  it('sets exact modes, whatever the umask', async () => {
    const { storage } = await place.connected();
    for (const umask of [0o000, 0o777]) {
      const before = process.umask(umask);
      try {
        const key = await write(storage);
        const unfinished = newKey(key.sessionId);
        const writer = await storage.create(unfinished);
        expect(modeOf(fileOf(place.root, key))).toBe(0o400);
        expect(modeOf(`${fileOf(place.root, unfinished)}.part`)).toBe(0o600);
        expect(modeOf(folderOf(place.root, key.sessionId))).toBe(0o700);
        expect(modeOf(join(folderOf(place.root, key.sessionId), '..'))).toBe(0o700);
        await writer.abort();
      } finally {
        process.umask(before);
      }
    }
  });

  it('builds file names from ids alone', async () => {
    const key = await write((await place.connected()).storage);
    expect(readdirSync(folderOf(place.root, key.sessionId))).toEqual([hex(key.resourceId)]);
  });

  it('leaves no file and no open descriptor after 1,000 aborted uploads', async () => {
    const { storage } = await place.connected();
    await write(storage);
    const before = openFiles();
    for (let round = 0; round < 1000; round += 1) {
      const writer = await storage.create(newKey());
      const writing = round % 3 === 0 ? undefined : writer.write([Buffer.alloc(1000)]).catch(() => undefined);
      if (round % 5 === 0) void writer.finish().catch(() => undefined);
      await writer.abort();
      await writing;
    }
    expect(openFiles()).toBe(before);
    expect((await scanAll(storage)).files).toHaveLength(1);
    expect(foldersOf(place.root)).toHaveLength(1);
  });

  it('completes uploads to a folder that others keep emptying and removing', async () => {
    const { storage } = await place.connected();
    const sessionId = randomUUID();
    const upload = async (): Promise<void> => {
      for (let round = 0; round < 50; round += 1) {
        const writer = await storage.create(newKey(sessionId));
        await writer.abort();
      }
      const writer = await storage.create(newKey(sessionId));
      await writer.write([Buffer.from('kept')]);
      await writer.finish();
    };
    await Promise.all(Array.from({ length: 4 }, upload));
    expect(readdirSync(folderOf(place.root, sessionId))).toHaveLength(4);
  });

  it('recreates an empty folder that others delete before it is opened', async () => {
    const { storage } = await place.connected();
    const key = newKey();
    const { lstat } = filesystem;
    let deletions = 0;
    const looking = jest.spyOn(filesystem, 'lstat').mockImplementation((async (path: string) => {
      if (path === folderOf(place.root, key.sessionId) && deletions < 5) {
        deletions += 1;
        await filesystem.rmdir(path);
      }
      return lstat(path);
    }) as typeof lstat);
    try {
      await write(storage, 'kept', key);
    } finally {
      looking.mockRestore();
    }
    expect(deletions).toBe(5);
    expect(await read(storage, key)).toBe('kept');
  });

  it('leaves no open descriptor when finishing a file fails', async () => {
    const { storage } = await place.connected();
    const before = openFiles();
    for (let round = 0; round < 100; round += 1) {
      const key = newKey();
      const writer = await storage.create(key);
      await writer.write([Buffer.alloc(10)]);
      await storage.discardSession(key.sessionId);
      await expect(writer.finish()).rejects.toMatchObject({ code: 'SESSION_GONE' });
    }
    expect(openFiles()).toBe(before);
  });

  it('closes the file it reads, however the read ends', async () => {
    const { storage } = await place.connected();
    const key = await write(storage, 'x'.repeat(200_000));
    const before = openFiles();
    for (let round = 0; round < 100; round += 1) {
      await read(storage, key);
      const cut = await storage.read(key);
      cut?.destroy();
      if (cut && !cut.closed) await new Promise((done) => cut.once('close', done));
      await storage.read(key, { start: 500_000, end: 500_001 }).catch(() => undefined);
    }
    expect(openFiles()).toBe(before);
  });

  it('reads nothing through a link, and does not block on a fifo', async () => {
    const { storage } = await place.connected();
    const { sessionId } = await write(storage);
    const secret = join(place.path, 'secret');
    writeFileSync(secret, 'secret');
    const link = newKey(sessionId);
    symlinkSync(secret, fileOf(place.root, link));
    expect(await storage.read(link)).toBeNull();
    const fifo = newKey(sessionId);
    execFileSync('mkfifo', [fileOf(place.root, fifo)]);
    expect(await storage.read(fifo)).toBeNull();

    const inside = newKey();
    mkdirSync(join(place.path, 'elsewhere'));
    writeFileSync(join(place.path, 'elsewhere', hex(inside.resourceId)), 'secret');
    mkdirSync(join(folderOf(place.root, inside.sessionId), '..'), { recursive: true });
    symlinkSync(join(place.path, 'elsewhere'), folderOf(place.root, inside.sessionId));
    expect(await storage.read(inside)).toBeNull();
  });

  it('neither writes nor deletes through a link that replaced a folder', async () => {
    const { storage } = await place.connected();
    const key = await write(storage);
    const outside = join(place.path, 'outside');
    renameSync(folderOf(place.root, key.sessionId), outside);
    symlinkSync(outside, folderOf(place.root, key.sessionId));
    const before = snapshot(outside);
    await expect(storage.create(newKey(key.sessionId))).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
    });
    await storage.remove(key);
    expect(await storage.discardSession(key.sessionId)).toBeNull();
    expect(snapshot(outside)).toEqual(before);
    expect(lstatSync(folderOf(place.root, key.sessionId)).isSymbolicLink()).toBe(true);
  });

  it('changes nothing outside while folders are being swapped for links', async () => {
    const { storage } = await place.connected();
    const { sessionId } = await write(storage);
    const folder = folderOf(place.root, sessionId);
    const outside = join(place.path, 'outside');
    mkdirSync(outside);
    const keys = Array.from({ length: 40 }, () => newKey(sessionId));
    for (const key of keys) writeFileSync(join(outside, hex(key.resourceId)), 'not yours');
    const before = snapshot(outside);
    // Replaces the folder by a link and removes the link, at varying moments.
    const attacker = spawn(process.execPath, [
      '-e',
      `const fs = require('fs'); const pause = new Int32Array(new SharedArrayBuffer(4)); const [folder, outside] = process.argv.slice(1);
       for (let turn = 0; ; turn += 1) {
         try { fs.renameSync(folder, folder + '.' + turn); fs.symlinkSync(outside, folder); } catch {}
         try { fs.unlinkSync(folder); } catch {}
         Atomics.wait(pause, 0, 0, turn % 10);
       }`,
      folder,
      outside,
    ]);
    let written = 0;
    try {
      const until = Date.now() + 3000;
      while (Date.now() < until || written === 0) {
        await Promise.allSettled(
          keys.map(async (key) => {
            await storage.remove(key);
            const writer = await storage.create(key);
            await writer.write([Buffer.from('ours')]);
            await writer.finish();
            written += 1;
            await storage.remove(key);
          }),
        );
      }
    } finally {
      const exited = new Promise((done) => attacker.once('exit', done));
      attacker.kill('SIGKILL');
      await exited;
    }
    expect(written).toBeGreaterThan(0);
    expect(snapshot(outside)).toEqual(before);
  });

  describe('on a full disk', () => {
    it('rejects with STORAGE_FULL, deletes the unfinished file, and accepts files again once there is space', async () => {
      place.mountTmpfs(place.root, 'size=1m');
      const { storage } = await place.connected();
      for (let round = 0; round < 5; round += 1) {
        const open = openFiles();
        expect(await fill(storage, Buffer.alloc(30_000))).toMatchObject({ code: 'STORAGE_FULL' });
        expect(openFiles()).toBe(open);
        const { files } = await scanAll(storage);
        expect(files.filter(({ partial }) => partial)).toEqual([]);
        for (const { sessionId } of files) await storage.discardSession(sessionId);
        expect(await emptyTrash(storage)).toMatchObject({ files: files.length, failure: null });
      }
      await write(storage);
    });

    it('refuses new files below the floor, before the disk is full', async () => {
      place.mountTmpfs(place.root, 'size=1m');
      const { storage, storageRoot } = await place.connected({ minFreeBytes: 500_000 });
      await write(storage);
      const hog = join(place.root, 'hog');
      writeFileSync(hog, Buffer.alloc(600_000));
      await new Promise((done) => setTimeout(done, 300));
      await expect(storage.create(newKey())).rejects.toMatchObject({ code: 'STORAGE_FULL' });
      expect(await storageRoot.room()).toMatchObject({
        trusted: true,
        refusing: expect.stringContaining('full'),
      });
      rmSync(hog);
      await new Promise((done) => setTimeout(done, 300));
      await write(storage);
    });

    it('drops its ballast, refuses new files without it, and restores it only if there is space', async () => {
      place.mountTmpfs(place.root, 'size=1m');
      const { storage, storageRoot } = await place.connected({
        ballastBytes: 400_000,
        minFreeBytes: 100_000,
      });
      expect(lstatSync(join(place.root, 'ballast')).blocks * 512).toBeGreaterThanOrEqual(400_000);
      const hog = join(place.root, 'hog');
      const free = () => statfsSync(place.root).bavail * 4096;
      writeFileSync(hog, Buffer.alloc(free() - 150_000));
      await storageRoot.dropBallast();
      expect(free()).toBeGreaterThan(500_000);
      await expect(storage.create(newKey())).rejects.toMatchObject({ code: 'STORAGE_FULL' });
      writeFileSync(hog, Buffer.alloc(100_000), { flag: 'a' });
      expect(await storageRoot.restoreBallast()).toBe(false);
      expect(readdirSync(place.root).filter((name) => name.startsWith('ballast'))).toEqual([]);
      rmSync(hog);
      expect(await storageRoot.restoreBallast()).toBe(true);
      await write(storage);
    });

    it('leaves a foreign entry with the name of its ballast alone', async () => {
      const { storage } = await place.connected();
      await storage.close();
      const outside = join(place.path, 'outside');
      writeFileSync(outside, 'precious');
      const [ballast, unfinished] = [join(place.root, 'ballast'), join(place.root, 'ballast.part')];
      const { storageRoot: sized } = await place.connected({ ballastBytes: 1000 });
      for (const make of [
        () => symlinkSync(outside, ballast),
        () => mkdirSync(ballast),
        () => linkSync(outside, unfinished),
        () => symlinkSync(outside, unfinished),
      ]) {
        make();
        const before = snapshot(place.path);
        await expect(sized.restoreBallast()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
        await sized.dropBallast();
        expect(snapshot(place.path)).toEqual(before);
        rmSync(ballast, { force: true, recursive: true });
        rmSync(unfinished, { force: true });
      }
      expect(readFileSync(outside, 'utf8')).toBe('precious');
      expect(await sized.restoreBallast()).toBe(true);
    });

    it('without inodes rejects with STORAGE_FULL too', async () => {
      place.mountTmpfs(place.root, 'size=10m,nr_inodes=60');
      const { storage } = await place.connected();
      const open = openFiles();
      expect(await fill(storage, Buffer.alloc(10))).toMatchObject({ code: 'STORAGE_FULL' });
      expect(openFiles()).toBe(open);
      const { files } = await scanAll(storage);
      for (const { sessionId } of files) await storage.discardSession(sessionId);
      await emptyTrash(storage);
      await write(storage, 'again', newKey(files[0]?.sessionId));
    });

    it('refuses new files below the floor of inodes', async () => {
      place.mountTmpfs(place.root, 'size=10m,nr_inodes=60');
      const { storage, storageRoot } = await place.connected({ minFreeInodes: 1000 });
      await expect(storage.create(newKey())).rejects.toMatchObject({ code: 'STORAGE_FULL' });
      expect((await storageRoot.room()).freeInodes).toBeLessThan(60);
    });

    it('ignores inodes if the file system allocates them on demand', async () => {
      place.mountTmpfs(place.root, 'size=10m,nr_inodes=0');
      const { storage } = await place.connected({ minFreeInodes: 1000 });
      expect(await read(storage, await write(storage, 'held'))).toBe('held');
    });
  });

  it('on a disk that has become read-only rejects writes, still reads, and recovers', async () => {
    place.mountTmpfs(place.root, 'size=1m');
    const { storage, storageRoot } = await place.connected();
    const key = await write(storage, 'readable');
    const writer = await storage.create(newKey());
    await writer.write([Buffer.from('half')]);
    await writer.finish();
    const open = openFiles();
    execFileSync('mount', ['-o', 'remount,ro', place.root]);
    await expect(storage.create(newKey())).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    await expect(storage.create(newKey(key.sessionId))).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
    });
    await expect(storage.remove(key)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    await expect(storage.discardSession(key.sessionId)).rejects.toMatchObject({
      code: 'STORAGE_UNAVAILABLE',
    });
    await new Promise((done) => setTimeout(done, 300));
    expect(await storageRoot.room()).toMatchObject({ trusted: true, problem: 'read_only' });
    await expect(storageRoot.noteStore({ generation: randomUUID(), counter: 1 })).resolves.toBeUndefined();
    expect(await read(storage, key)).toBe('readable');
    expect(openFiles()).toBe(open);
    execFileSync('mount', ['-o', 'remount,rw', place.root]);
    await storage.remove(key);
    expect(existsSync(fileOf(place.root, key))).toBe(false);
  });

  it('fails when file descriptors run out, leaks none, and recovers', () => {
    const script = `${CONNECTED}
      const { randomUUID } = await import('node:crypto');
      const { closeSync, openSync } = await import('node:fs');
      const newKey = () => ({ sessionId: randomUUID(), resourceId: randomUUID() });
      const takeAll = (spare) => {
        const taken = [];
        try { for (;;) taken.push(openSync('/dev/null')); } catch {}
        for (const fd of taken.splice(0, spare)) closeSync(fd);
        return taken;
      };
      const key = newKey();
      const codes = new Set();
      let free;
      for (let spare = 0; spare < 4; spare += 1) {
        for (let round = 0; round < 10; round += 1) {
          const taken = takeAll(spare);
          free ??= taken.length;
          if (taken.length !== free - spare) throw new Error('file descriptors were left open');
          for (const work of [() => storage.create(key), () => storage.read(key), () => storage.remove(key)]) {
            const outcome = await work().catch((error) => { codes.add(error.code); });
            await outcome?.abort?.();
          }
          for (const fd of taken) closeSync(fd);
        }
      }
      const writer = await storage.create(newKey());
      await writer.finish();
      console.log([...codes].join());`;
    const limited = ['--nofile=64:64', process.execPath, '--input-type=module', '-e', script, place.root];
    expect(execFileSync('prlimit', limited).toString().trim()).toBe('STORAGE_UNAVAILABLE');
  });

  it('rejects a file beyond the largest that the system allows with STORAGE_FULL, and keeps nothing of it', () => {
    const script = `${CONNECTED}
      const key = { sessionId: crypto.randomUUID(), resourceId: crypto.randomUUID() };
      const writer = await storage.create(key);
      await writer.write([Buffer.alloc(60_000)]);
      const error = await writer.write([Buffer.alloc(60_000)]).then(() => writer.finish()).catch((error) => error);
      console.log(error.code, error.cause.code);`;
    const limited = [
      '--fsize=65536:65536',
      process.execPath,
      '--input-type=module',
      '-e',
      script,
      place.root,
    ];
    expect(execFileSync('prlimit', limited).toString().trim()).toBe('STORAGE_FULL EFBIG');
    expect(foldersOf(place.root)).toEqual([]);
  });
});

/* oxlint-disable no-await-in-loop -- the steps depend on each other */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { createServer, type Server } from 'node:net';
import { dirname, join } from 'node:path';
import { RootGuard } from '#sessions/storage/local/root/root-guard';
import type { LocalFileStorage } from '#sessions/storage/local/local-file-storage';
import type { KnownResources, ScannedPart } from '#sessions/ports/storage/file-storage';
import {
  Place,
  fileOf,
  folderOf,
  hex,
  newKey,
  nothingKnown,
  read,
  scanAll,
  snapshot,
  write,
} from './local-support.js';

async function listen(path: string): Promise<Server> {
  const server = createServer();
  await new Promise<void>((done) => server.listen(path, done));
  return server;
}

/** The target of an open descriptor; empty if it was closed meanwhile. */
function readlinkIfThere(path: string): string {
  return existsSync(path) ? readlinkSync(path) : '';
}

/** Replaces the file by a folder, as a mount point. */
function mounted(path: string): string {
  rmSync(path);
  mkdirSync(path);
  return path;
}

describe('scanning the local storage', () => {
  let place: Place;
  let storage: LocalFileStorage;

  beforeEach(async () => {
    place = new Place();
    ({ storage } = await place.connected());
  });
  afterEach(() => {
    jest.restoreAllMocks();
    return place.leave();
  });

  /** A path in the folder of this session with a name like ours, for a foreign entry. */
  const ours = (sessionId: string) => fileOf(place.root, newKey(sessionId));

  it('counts foreign entries, and neither changes nor follows them', async () => {
    const key = await write(storage);
    const { sessionId } = key;
    const folder = folderOf(place.root, sessionId);
    const outside = join(place.path, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'precious'), 'precious');
    const socket = join(place.path, 'sock');
    const server = await listen(socket);
    place.after(() => new Promise((done) => server.close(done)));
    place.mountTmpfs(join(place.path, 'mounted'), 'size=1m');

    const foreign: (() => void)[] = [
      () => symlinkSync(join(outside, 'precious'), ours(sessionId)),
      () => symlinkSync(outside, ours(sessionId)),
      () => symlinkSync(fileOf(place.root, key), ours(sessionId)),
      () => symlinkSync('nowhere', ours(sessionId)),
      () => symlinkSync('.', ours(sessionId)),
      () => execFileSync('mkfifo', [ours(sessionId)]),
      () => renameSync(socket, ours(sessionId)),
      () => execFileSync('mknod', [ours(sessionId), 'c', '1', '3']),
      () => execFileSync('mknod', [ours(sessionId), 'b', '7', '99']),
      () => mkdirSync(ours(sessionId)),
      () => mkdirSync(`${ours(sessionId)}.part`),
      () => linkSync(join(outside, 'precious'), ours(sessionId)),
      () => {
        const path = ours(sessionId);
        writeFileSync(path, '');
        chownSync(path, 12_345, 12_345);
      },
      () => {
        const path = ours(sessionId);
        writeFileSync(path, '');
        place.mount(['--bind', join(place.path, 'mounted'), mounted(path)], path);
      },
      () => writeFileSync(join(folder, 'README'), ''),
      () => writeFileSync(join(folder, hex(randomUUID()).toUpperCase().replaceAll(/\d/g, 'A')), ''),
      () => writeFileSync(join(folder, hex(randomUUID()).slice(1)), ''),
      () => writeFileSync(join(folder, `${hex(randomUUID())}.PART`), ''),
      () => writeFileSync(join(folder, `${hex(randomUUID())}.part.part`), ''),
      () => writeFileSync(join(folder, `${hex(randomUUID())}\n`), ''),
      () => writeFileSync(join(folder, `.nfs${hex(randomUUID()).slice(8)}`), ''),
      () => writeFileSync(Buffer.concat([Buffer.from(`${folder}/`), Buffer.from([0xff, 0xfe, 0x41])]), ''),
      () =>
        writeFileSync(
          Buffer.concat([Buffer.from(`${folder}/${hex(randomUUID()).slice(1)}`), Buffer.from([0xff])]),
          '',
        ),
    ];
    for (const make of foreign) make();
    const before = snapshot(place.path);

    const found = await scanAll(storage);
    expect(found.files.map(({ resourceId }) => resourceId)).toEqual([key.resourceId]);
    expect(found.foreign).toBe(foreign.length);
    expect(await storage.removeEmptyFolder(sessionId, 0)).toBe(false);
    expect(snapshot(place.path)).toEqual(before);
    for (const file of found.files) expect(await storage.removeScanned(file)).toBe(true);
    expect(snapshot(place.path)).toHaveLength(before.length - 1);
  });

  it('skips entries that replace a session folder or are next to one', async () => {
    const key = await write(storage, 'kept');
    const shard = dirname(folderOf(place.root, key.sessionId));
    const outside = join(place.path, 'outside');
    const stranger = hex(randomUUID());
    mkdirSync(outside);
    writeFileSync(join(outside, hex(randomUUID())), 'precious');
    symlinkSync(outside, join(shard, shard.slice(-2) + stranger.slice(2)));
    writeFileSync(join(shard, shard.slice(-2) + hex(randomUUID()).slice(2)), 'a file');
    mkdirSync(join(shard, 'notes'));
    symlinkSync(outside, join(place.root, 's', 'zz'));
    writeFileSync(join(place.root, 's', 'stray'), '');
    writeFileSync(Buffer.concat([Buffer.from(`${place.root}/s/`), Buffer.from([0xff])]), '');
    const before = snapshot(place.path);
    const found = await scanAll(storage);
    expect(found.files).toHaveLength(1);
    expect(found.foreign).toBe(2);
    expect(snapshot(place.path)).toEqual(before);
  });

  it('follows no link that replaced a shard', async () => {
    const key = await write(storage);
    const shard = dirname(folderOf(place.root, key.sessionId));
    renameSync(shard, join(place.path, 'aside'));
    symlinkSync(join(place.path, 'aside'), shard);
    expect(await scanAll(storage)).toEqual({ files: [], foreign: 0, empty: [] });
    expect(await storage.removeEmptyFolder(key.sessionId, 0)).toBe(false);
  });

  it('deletes nothing through a link that replaced the folder after the scan', async () => {
    const key = await write(storage);
    const [file] = (await scanAll(storage)).files;
    const folder = folderOf(place.root, key.sessionId);
    const outside = join(place.path, 'outside');
    renameSync(folder, outside);
    symlinkSync(outside, folder);
    expect(file && (await storage.removeScanned(file))).toBe(false);
    expect(existsSync(join(outside, hex(key.resourceId)))).toBe(true);
  });

  const swaps: [string, (path: string) => void][] = [
    ['a link', (path) => (rmSync(path), symlinkSync('/etc/hostname', path))],
    ['another file', (path) => (writeFileSync(`${path}x`, 'hello'), renameSync(`${path}x`, path))],
    ['a folder', (path) => (rmSync(path), mkdirSync(path))],
    ['itself under a second name', (path) => linkSync(path, `${path}.second`)],
    ['itself with another mode', (path) => chmodSync(path, 0o644)],
    ['itself with an old time', (path) => utimesSync(path, 0, 0)],
  ];
  it.each(swaps)('does not delete a file that became %s since the scan', async (_name, swap) => {
    const key = await write(storage);
    const [file] = (await scanAll(storage)).files;
    // File times have the resolution of the kernel's tick.
    await new Promise((done) => setTimeout(done, 20));
    swap(fileOf(place.root, key));
    expect(file && (await storage.removeScanned(file))).toBe(false);
    expect(lstatSync(fileOf(place.root, key))).toBeDefined();
  });

  it('uses the later of mtime and ctime, so that neither alone makes a file look old', async () => {
    const key = await write(storage);
    const begun = Date.now() - 1000;
    utimesSync(fileOf(place.root, key), 0, 0);
    expect((await scanAll(storage)).files[0]?.changedAt).toBeGreaterThan(begun);
    const future = Math.ceil(Date.now() / 1000) * 1000 + 86_400_000;
    utimesSync(fileOf(place.root, key), future / 1000, future / 1000);
    expect((await scanAll(storage)).files[0]?.changedAt).toBe(future);
  });

  it('finds every lasting file while others are created and deleted', async () => {
    const session = randomUUID();
    const kept = await Promise.all(
      Array.from({ length: 300 }, () => write(storage, 'kept', newKey(session))),
    );
    const traffic = { stopped: false };
    const passing = Promise.all(
      Array.from({ length: 4 }, async () => {
        while (!traffic.stopped) {
          const key = await write(storage, 'passing', newKey(Math.random() < 0.5 ? session : randomUUID()));
          if (key.sessionId === session) await storage.remove(key);
          else await storage.emptyTrash((await storage.discardSession(key.sessionId)) ?? '');
        }
      }),
    );
    try {
      for (let round = 0; round < 10; round += 1) {
        const { files, foreign } = await scanAll(storage);
        const seen = new Set(files.map(({ resourceId }) => resourceId));
        expect(kept.filter(({ resourceId }) => !seen.has(resourceId))).toEqual([]);
        expect(foreign).toBe(0);
      }
    } finally {
      traffic.stopped = true;
      await passing;
    }
    expect(kept[0] && (await read(storage, kept[0]))).toBe('kept');
  });

  it('yields parts of whole folders, and closes everything if the consumer stops', async () => {
    const open = () => readdirSync('/proc/self/fd').map((fd) => readlinkIfThere(`/proc/self/fd/${fd}`));
    const inRoot = () => open().filter((path) => path.startsWith(place.root));
    const sessions = Array.from({ length: 300 }, () => randomUUID());
    for (const session of sessions) {
      mkdirSync(folderOf(place.root, session), { recursive: true, mode: 0o700 });
      writeFileSync(ours(session), '');
    }
    const crowded = sessions[0] ?? '';
    for (let index = 0; index < 5000; index += 1) writeFileSync(ours(crowded), '');
    const asked: (readonly string[])[] = [];
    const parts: number[] = [];
    const known: KnownResources = async (sessionIds) => {
      asked.push(sessionIds);
      return nothingKnown(sessionIds);
    };
    for await (const { files } of storage.scan(known)) parts.push(files);
    expect(parts.reduce((sum, files) => sum + files, 0)).toBe(5300);
    expect(parts.length).toBeGreaterThan(1);
    expect(asked.flat().toSorted()).toEqual(sessions.toSorted());
    expect(Math.max(...asked.map(({ length }) => length))).toBeLessThanOrEqual(256);
    for await (const { files } of storage.scan(known)) {
      expect(files).toBeGreaterThan(0);
      break;
    }
    expect(inRoot()).toEqual([]);
  });

  it('lists only a few parts ahead of the consumer', async () => {
    for (let index = 0; index < 2000; index += 1) {
      const session = randomUUID();
      mkdirSync(folderOf(place.root, session), { recursive: true, mode: 0o700 });
      writeFileSync(ours(session), '');
    }
    let asked = 0;
    const known: KnownResources = async (sessionIds) => {
      asked += sessionIds.length;
      return nothingKnown(sessionIds);
    };
    for await (const part of storage.scan(known)) {
      expect(part.files).toBe(256);
      await new Promise((done) => setTimeout(done, 200));
      break;
    }
    expect(asked).toBeGreaterThan(0);
    expect(asked).toBeLessThanOrEqual(4 * 256);
  });

  it('misses nothing, however long each check of the root takes', async () => {
    const key = await write(storage);
    jest.spyOn(RootGuard.prototype, 'look').mockImplementationOnce(async () => {
      await new Promise((done) => setTimeout(done, 200));
      return { present: true, trusted: true, doubt: null };
    });
    expect((await scanAll(storage)).files).toMatchObject([key]);
  });

  it('inspects only unknown names: an entry with a known name stays, whatever it is', async () => {
    const key = await write(storage);
    const { sessionId } = key;
    const names = Array.from({ length: 4 }, () => randomUUID());
    const [folder, link, part, adopted] = names.map((resourceId) =>
      fileOf(place.root, { sessionId, resourceId }),
    );
    mkdirSync(folder ?? '');
    symlinkSync('/etc/hostname', link ?? '');
    writeFileSync(`${part}.part`, '');
    writeFileSync(`${adopted}.link`, '');
    const before = snapshot(place.path);
    const ids = [...names, key.resourceId].map(hex).join('');
    const parts: ScannedPart[] = [];
    for await (const found of storage.scan(async () => [ids])) parts.push(found);
    expect(parts).toEqual([{ files: 5, foreign: 0, unknown: [], empty: [] }]);
    expect(snapshot(place.path)).toEqual(before);
  });

  it('reports an empty folder, and deletes it once it is old enough', async () => {
    const key = await write(storage);
    await storage.remove(key);
    expect(await scanAll(storage)).toEqual({ files: [], foreign: 0, empty: [key.sessionId] });
    expect(await storage.removeEmptyFolder(key.sessionId, 60_000)).toBe(false);
    await new Promise((done) => setTimeout(done, 20));
    expect(await storage.removeEmptyFolder(key.sessionId, 10)).toBe(true);
    expect(await scanAll(storage)).toEqual({ files: [], foreign: 0, empty: [] });
  });

  it('does not disturb a writer by sweeping its folder', async () => {
    const session = randomUUID();
    for (let round = 0; round < 100; round += 1) {
      const [key] = await Promise.all([
        write(storage, 'safe', newKey(session)),
        storage.removeEmptyFolder(session, 0),
        storage.removeEmptyFolder(session, 0),
      ]);
      expect(await read(storage, key)).toBe('safe');
      await storage.remove(key);
    }
  });

  it('leaves mounts in the root alone, even of the same file system', async () => {
    const outside = join(place.path, 'outside');
    mkdirSync(outside, { mode: 0o700 });
    const key = newKey();
    writeFileSync(join(outside, hex(key.resourceId)), 'precious');
    const folder = folderOf(place.root, key.sessionId);
    mkdirSync(folder, { recursive: true });
    const ours = { ...key, partial: false, sizeBytes: 8 };
    const { ino, mtimeMs, ctimeMs } = lstatSync(join(outside, hex(key.resourceId)), { bigint: true });
    const changedAt = Math.max(Number(mtimeMs), Number(ctimeMs));
    place.mount(['--bind', outside, folder], folder);
    expect(await scanAll(storage)).toEqual({ files: [], foreign: 1, empty: [] });
    const file = { ...ours, changedAt, inode: ino };
    expect(await storage.removeScanned(file)).toBe(false);
    expect(await storage.removeEmptyFolder(key.sessionId, 0)).toBe(false);
  });

  it('leaves an empty folder of another user alone', async () => {
    const { sessionId } = newKey();
    const folder = folderOf(place.root, sessionId);
    mkdirSync(folder, { recursive: true });
    chownSync(folder, 12_345, 12_345);
    expect(await scanAll(storage)).toEqual({ files: [], foreign: 1, empty: [] });
    expect(await storage.removeEmptyFolder(sessionId, 0)).toBe(false);
    chownSync(folder, 0, 0);
    expect(await storage.removeEmptyFolder(sessionId, 0)).toBe(true);
  });
});

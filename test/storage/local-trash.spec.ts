/* oxlint-disable no-await-in-loop -- the steps depend on each other */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { chownSync, existsSync, mkdirSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import { hasCode } from '#sessions/domain/errors';
import { AsyncFolder } from '#sessions/storage/local/folders/async-folder';
import {
  CONNECTED,
  Place,
  emptyTrash,
  fileOf,
  folderOf,
  hex,
  newKey,
  openFiles,
  snapshot,
  write,
} from './local-support.js';

/** A session folder with `count` small files, made without the storage, for speed. */
function fillSession(root: string, files: number, bytes = 10): string {
  const sessionId = randomUUID();
  const folder = folderOf(root, sessionId);
  mkdirSync(folder, { recursive: true });
  for (let index = 0; index < files; index += 1)
    writeFileSync(join(folder, hex(randomUUID())), Buffer.alloc(bytes));
  return sessionId;
}

function copySession(root: string, original: string): string {
  const sessionId = randomUUID();
  const folder = folderOf(root, sessionId);
  mkdirSync(dirname(folder), { recursive: true });
  execFileSync('cp', ['-a', folderOf(root, original), folder]);
  return sessionId;
}

describe('the trash of the local storage', () => {
  let place: Place;

  beforeEach(() => {
    place = new Place();
  });
  afterEach(() => place.leave());

  const trashed = () => readdirSync(join(place.root, 'trash'));

  it('deletes 20,000 files without blocking the event loop', async () => {
    const { storage } = await place.connected();
    const first = fillSession(place.root, 100);
    const copies = Array.from({ length: 199 }, () => copySession(place.root, first));
    const sessions = [first, ...copies];
    const takingOut = performance.now();
    for (const session of sessions) await storage.discardSession(session);
    const takenOut = performance.now();
    execFileSync('cp', ['-a', join(place.root, 'trash'), join(place.path, 'copy')]);
    const emptying = performance.now();
    const delay = monitorEventLoopDelay({ resolution: 1 });
    delay.enable();
    const report = await emptyTrash(storage);
    delay.disable();
    const emptied = performance.now();
    expect(report).toEqual({ files: 20_000, bytes: 200_000, failure: null });
    expect(trashed()).toEqual([]);

    const removing = performance.now();
    execFileSync('rm', ['-rf', join(place.path, 'copy')]);
    const figures = {
      discardMs: Math.round(takenOut - takingOut),
      emptyMs: Math.round(emptied - emptying),
      rmMs: Math.round(performance.now() - removing),
      loopP99Ms: Math.round(delay.percentile(99) / 1e4) / 100,
      loopMaxMs: Math.round(delay.max / 1e4) / 100,
    };
    process.stdout.write(`trash of 20,000 files: ${JSON.stringify(figures)}\n`);
  }, 120_000);

  it('deletes 999 of 1,000 files if one deletion fails, and retries that one later', async () => {
    const { storage } = await place.connected();
    const sessionId = fillSession(place.root, 999);
    const stubborn = newKey(sessionId);
    writeFileSync(fileOf(place.root, stubborn), 'stubborn');
    const other = fillSession(place.root, 10);
    place.makeImmutable(fileOf(place.root, stubborn));

    const ticket = await storage.discardSession(sessionId);
    const otherTicket = await storage.discardSession(other);
    expect(await storage.emptyTrash(ticket ?? '')).toEqual({ files: 999, bytes: 9990, failure: 'EPERM' });
    expect(await emptyTrash(storage)).toEqual({ files: 10, bytes: 100, failure: 'EPERM' });
    expect(trashed()).toEqual([ticket]);
    expect(existsSync(join(place.root, 'trash', String(otherTicket)))).toBe(false);

    place.makeMutable(join(place.root, 'trash', String(ticket), hex(stubborn.resourceId)));
    expect(await storage.emptyTrash(ticket ?? '')).toEqual({ files: 1, bytes: 8, failure: null });
    expect(trashed()).toEqual([]);
  });

  it('takes a later folder for absent on no account, also if the first one is deleted meanwhile', async () => {
    const { storage } = await place.connected();
    const sessionId = fillSession(place.root, 1);
    const folder = folderOf(place.root, sessionId);
    const first = join(place.root, 'trash', hex(sessionId));
    mkdirSync(first);
    writeFileSync(join(first, 'file'), '');
    const stat = Reflect.get(AsyncFolder.prototype, 'stat');
    const meanwhile = jest.spyOn(AsyncFolder.prototype, 'stat').mockImplementation(function (
      this: AsyncFolder,
    ) {
      rmSync(first, { recursive: true, force: true });
      return stat.call(this);
    });
    await expect(storage.discardSession(sessionId)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect([existsSync(folder), existsSync(first)]).toEqual([true, false]);
    meanwhile.mockRestore();
    expect(await storage.discardSession(sessionId)).toBe(hex(sessionId));
    expect(existsSync(folder)).toBe(false);
  });

  it('skips a file that is a mount point, and continues', async () => {
    const { storage } = await place.connected();
    const sessionId = fillSession(place.root, 10);
    const busy = newKey(sessionId);
    writeFileSync(fileOf(place.root, busy), 'busy');
    writeFileSync(join(place.path, 'precious'), 'precious');
    const mounted = fileOf(place.root, busy);
    place.mount(['--bind', join(place.path, 'precious'), mounted], mounted);
    const ticket = String(await storage.discardSession(sessionId));
    expect(await storage.emptyTrash(ticket)).toMatchObject({ files: 10, failure: expect.any(String) });
    expect(existsSync(join(place.path, 'precious'))).toBe(true);
    execFileSync('umount', [join(place.root, 'trash', ticket, hex(busy.resourceId))]);
    expect(await storage.emptyTrash(ticket)).toMatchObject({ files: 1, failure: null });
  });

  it('follows no link, enters no other file system, and deletes the rest of the folder', async () => {
    const { storage } = await place.connected();
    const sessionId = fillSession(place.root, 5);
    const folder = folderOf(place.root, sessionId);
    const outside = join(place.path, 'outside');
    mkdirSync(join(outside, 'deep'), { recursive: true });
    writeFileSync(join(outside, 'deep', 'precious'), 'precious');
    symlinkSync(outside, join(folder, 'link'));
    mkdirSync(join(folder, 'a', 'b'), { recursive: true });
    symlinkSync(outside, join(folder, 'a', 'b', 'link'));
    writeFileSync(Buffer.concat([Buffer.from(`${folder}/a/`), Buffer.from([0xff, 0xfe, 0x41])]), '');
    execFileSync('mkfifo', [join(folder, 'fifo')]);
    const before = snapshot(outside);
    const ticket = String(await storage.discardSession(sessionId));
    expect(await storage.emptyTrash(ticket)).toMatchObject({ files: 9, failure: null });
    expect(snapshot(outside)).toEqual(before);
    expect(trashed()).toEqual([]);

    const other = fillSession(place.root, 5);
    place.mountTmpfs(join(folderOf(place.root, other), 'mounted'), 'size=1m');
    writeFileSync(join(folderOf(place.root, other), 'mounted', 'precious'), 'precious');
    const second = String(await storage.discardSession(other));
    place.after(() => execFileSync('umount', [join(place.root, 'trash', second, 'mounted')]));
    expect(await storage.emptyTrash(second)).toMatchObject({ files: 5, failure: expect.any(String) });
    expect(existsSync(join(place.root, 'trash', second, 'mounted', 'precious'))).toBe(true);
  });

  it('leaves foreign entries alone', async () => {
    const { storage } = await place.connected();
    mkdirSync(join(place.root, 'trash', 'mine'));
    writeFileSync(join(place.root, 'trash', 'mine', 'file'), '');
    expect(await emptyTrash(storage)).toEqual({ files: 0, bytes: 0, failure: null });
    expect(trashed()).toEqual(['mine']);
    for (const ticket of ['mine', '..', '../s', '']) {
      await expect(storage.emptyTrash(ticket)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    }
  });

  it('deletes entries that another process left', async () => {
    const { storage: first } = await place.connected();
    await first.discardSession(fillSession(place.root, 10));
    await first.close();
    expect(trashed()).toHaveLength(1);
    const { storage: second } = await place.connected();
    expect(await emptyTrash(second)).toMatchObject({ files: 10 });
  });

  it('can be emptied by several processes at once', async () => {
    const three = await Promise.all([place.connected(), place.connected(), place.connected()]);
    for (let round = 0; round < 20; round += 1)
      await three[0]?.storage.discardSession(fillSession(place.root, 50));
    const reports = await Promise.all(
      three.flatMap(({ storage }) => [emptyTrash(storage), emptyTrash(storage)]),
    );
    expect(reports.every(({ failure }) => failure === null)).toBe(true);
    expect(trashed()).toEqual([]);
  });

  it('answers the ticket of a session until its files are deleted, to every process', async () => {
    const { storage } = await place.connected();
    const { storage: other } = await place.connected();
    const key = await write(storage);
    const ticket = String(await storage.discardSession(key.sessionId));
    expect(await other.listTrash()).toEqual([{ ticket, sessionId: key.sessionId }]);
    const file = join(place.root, 'trash', ticket, hex(key.resourceId));
    place.makeImmutable(file);
    for (const each of [storage, other]) {
      expect(await each.discardSession(key.sessionId)).toBe(ticket);
      expect(await each.emptyTrash(ticket)).toEqual({ files: 0, bytes: 0, failure: 'EPERM' });
    }

    // Somebody put files of the session back, e.g. from a backup: they go where the others are.
    mkdirSync(folderOf(place.root, key.sessionId), { recursive: true });
    writeFileSync(fileOf(place.root, newKey(key.sessionId)), 'restored');
    expect(await storage.discardSession(key.sessionId)).toBe(ticket);
    expect(existsSync(folderOf(place.root, key.sessionId))).toBe(false);
    expect(trashed()).toEqual([ticket]);
    place.makeMutable(file);
    expect(await other.emptyTrash(ticket)).toEqual({ files: 2, bytes: 13, failure: null });
    expect(await storage.discardSession(key.sessionId)).toBeNull();
    expect(await other.listTrash()).toEqual([]);
  });

  it('moves nothing onto a foreign entry that has the name of the session', async () => {
    const { storage } = await place.connected();
    const outside = join(place.path, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'precious'), 'precious');
    const put: ((path: string) => void)[] = [
      (path) => symlinkSync(outside, path),
      (path) => writeFileSync(path, 'somebody put it here'),
      (path) => {
        mkdirSync(join(path, 'theirs'), { recursive: true });
        chownSync(path, 12_345, 12_345);
      },
    ];
    for (const make of put) {
      const key = await write(storage);
      make(join(place.root, 'trash', hex(key.sessionId)));
      await expect(storage.discardSession(key.sessionId)).rejects.toMatchObject({
        code: 'STORAGE_UNAVAILABLE',
      });
      expect(existsSync(fileOf(place.root, key))).toBe(true);
    }
    expect(readdirSync(outside)).toEqual(['precious']);
    expect(await storage.listTrash()).toEqual([]);
  });

  it('stops when the storage closes, and leaves nothing open', async () => {
    const before = openFiles();
    const { storage } = await place.connected();
    const session = fillSession(place.root, 5000);
    const ticket = String(await storage.discardSession(session));
    const emptying = storage.emptyTrash(ticket).catch((error: unknown) => error);
    await new Promise((done) => setTimeout(done, 60));
    await storage.close();
    await storage.close();
    const outcome = await emptying;
    // The deletion may have finished just before.
    expect(trashed().length === 0 || hasCode(outcome, 'STORAGE_UNAVAILABLE')).toBe(true);
    expect(openFiles()).toBeLessThanOrEqual(before);
    await emptyTrash((await place.connected()).storage);
    expect(trashed()).toEqual([]);
  });

  it('keeps the process alive only while it deletes', () => {
    const script = `${CONNECTED}
      const ticket = await storage.discardSession(process.argv[2]);
      console.log((await storage.emptyTrash(ticket)).files);`;
    const node = (code: string, ...args: string[]) =>
      execFileSync(process.execPath, ['--input-type=module', '-e', code, place.root, ...args], {
        timeout: 20_000,
      })
        .toString()
        .trim();
    node(CONNECTED);
    expect(node(script, fillSession(place.root, 100))).toBe('100');
  });

  it('leaves alone foreign entries with names like its own: links, files, folders of others', async () => {
    const { storage } = await place.connected();
    const outside = join(place.path, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'precious'), 'precious');
    const entry = () => join(place.root, 'trash', hex(randomUUID()));
    symlinkSync(outside, entry());
    writeFileSync(entry(), 'somebody put it here');
    const theirs = entry();
    mkdirSync(theirs);
    chownSync(theirs, 12_345, 12_345);
    const before = snapshot(place.path);
    expect(await emptyTrash(storage)).toEqual({ files: 0, bytes: 0, failure: null });
    expect(snapshot(place.path)).toEqual(before);
  });

  it('enters no mount, not even of the same disk', async () => {
    const { storage } = await place.connected();
    const outside = join(place.path, 'outside');
    mkdirSync(outside);
    writeFileSync(join(outside, 'precious'), 'precious');
    const { sessionId } = await write(storage);
    const inside = join(folderOf(place.root, sessionId), 'mounted');
    mkdirSync(inside);
    const ticket = await storage.discardSession(sessionId);
    const mounted = join(place.root, 'trash', ticket ?? '', 'mounted');
    const entry = join(place.root, 'trash', hex(randomUUID()));
    mkdirSync(entry);
    for (const path of [mounted, entry]) place.mount(['--bind', outside, path], path);
    expect(await emptyTrash(storage)).toMatchObject({ failure: expect.any(String) });
    expect(readdirSync(outside)).toEqual(['precious']);
  });
});

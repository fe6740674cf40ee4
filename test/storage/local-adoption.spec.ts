/* oxlint-disable no-await-in-loop -- the steps depend on each other */
import { execFileSync } from 'node:child_process';
import {
  appendFileSync,
  chmodSync,
  chownSync,
  existsSync,
  linkSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import type { LocalFileStorage } from '#sessions/storage/local/local-file-storage';
import {
  Place,
  fileOf,
  folderOf,
  newKey,
  openFiles,
  read,
  scanAll,
  snapshot,
  write,
} from './local-support.js';

describe('adopting a file', () => {
  let place: Place;
  let storage: LocalFileStorage;
  let allowed: string;
  let source: string;

  beforeEach(async () => {
    place = new Place();
    allowed = join(place.path, 'allowed');
    source = join(allowed, 'answer.wav');
    mkdirSync(allowed);
    writeFileSync(source, 'spoken');
    chmodSync(source, 0o640);
    ({ storage } = await place.connected({ adoptFrom: [allowed, join(place.path, 'missing')] }));
  });
  afterEach(() => place.leave());

  it('places the file, and deletes the source on complete', async () => {
    const key = newKey();
    const adoption = await storage.adopt(key, source);
    expect(adoption.sizeBytes).toBe(6);
    expect(await storage.read(key)).toBeNull();
    await adoption.place();
    expect(await read(storage, key)).toBe('spoken');
    expect(readFileSync(source, 'utf8')).toBe('spoken');
    expect(lstatSync(source).mode & 0o777).toBe(0o640);
    await adoption.complete();
    await adoption.complete();
    expect(existsSync(source)).toBe(false);
    expect(await read(storage, key)).toBe('spoken');
    expect(lstatSync(fileOf(place.root, key)).mode & 0o7777).toBe(0o400);
    expect((await scanAll(storage)).files).toHaveLength(1);
  });

  it.each(['before', 'after'])('leaves the source unchanged when aborted %s place', async (when) => {
    const key = newKey();
    const before = snapshot(allowed);
    const adoption = await storage.adopt(key, source);
    if (when === 'after') await adoption.place();
    await adoption.abort();
    await adoption.abort();
    expect(snapshot(allowed)).toEqual(before);
    expect(readFileSync(source, 'utf8')).toBe('spoken');
    expect(await storage.read(key)).toBeNull();
    expect((await scanAll(storage)).files).toEqual([]);
  });

  it('that was forgotten is found by a scan and deleted without its source', async () => {
    const key = newKey();
    await (await storage.adopt(key, source)).place();
    const [orphan] = (await scanAll(storage)).files;
    expect(orphan).toMatchObject({ resourceId: key.resourceId, sizeBytes: 6 });
    expect(await storage.removeScanned(orphan!)).toBe(true);
    expect(await scanAll(storage)).toMatchObject({ files: [], foreign: 0 });
    expect(readFileSync(source, 'utf8')).toBe('spoken');
  });

  it('is refused if the key already has an adoption', async () => {
    const key = newKey();
    await (await storage.adopt(key, source)).place();
    await expect(storage.create(key)).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    const again = join(allowed, 'again.wav');
    writeFileSync(again, 'spoken again');
    const adoption = await storage.adopt(key, again);
    await expect(adoption.place()).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(await read(storage, key)).toBe('spoken');
  });

  it('is readable and deletable even if deleting its source failed', async () => {
    const key = newKey();
    await (await storage.adopt(key, source)).place();
    await storage.remove(key);
    expect(await storage.read(key)).toBeNull();
    expect(await scanAll(storage)).toMatchObject({ files: [], foreign: 0 });
    expect(readFileSync(source, 'utf8')).toBe('spoken');
  });

  it('copies from another file system', async () => {
    const mounted = join(place.path, 'mounted');
    place.mountTmpfs(mounted, 'size=4m');
    const big = join(mounted, 'big.wav');
    writeFileSync(big, Buffer.alloc(3_000_000, 'x'));
    chmodSync(big, 0o644);
    const { storage: copying } = await place.connected({ adoptFrom: [mounted] });
    const before = openFiles();

    const given = await copying.adopt(newKey(), big);
    await given.place();
    await given.abort();
    expect(lstatSync(big).mode & 0o777).toBe(0o644);
    expect((await scanAll(copying)).files).toEqual([]);

    const key = newKey();
    const adoption = await copying.adopt(key, big);
    await adoption.place();
    await adoption.complete();
    expect(existsSync(big)).toBe(false);
    expect(lstatSync(fileOf(place.root, key)).mode & 0o7777).toBe(0o400);
    expect((await read(copying, key))?.length).toBe(3_000_000);
    expect(openFiles()).toBe(before);
  });

  it('keeps the source when the copy fills the disk', async () => {
    const mounted = join(place.path, 'small');
    place.mountTmpfs(mounted, 'size=1m');
    writeFileSync(source, Buffer.alloc(2_000_000));
    const { storage: small } = await place.connected({ root: mounted, adoptFrom: [allowed] });
    const adoption = await small.adopt(newKey(), source);
    await expect(adoption.place()).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    await adoption.abort();
    expect(lstatSync(source).size).toBe(2_000_000);
    expect((await scanAll(small)).files).toEqual([]);
  });

  describe('refuses', () => {
    const refused: [string, (folder: string, outside: string) => string][] = [
      ['a file elsewhere', (_, outside) => join(outside, 'file')],
      ['a path with .. that leaves the folder', (folder) => join(folder, '..', 'outside', 'file')],
      [
        'a folder whose name has the same prefix',
        (folder, outside) => (execFileSync('cp', ['-r', outside, `${folder}2`]), `${folder}2/file`),
      ],
      [
        'a link to a file inside',
        (folder) => (symlinkSync('answer.wav', join(folder, 'link')), join(folder, 'link')),
      ],
      [
        'a link to a file outside',
        (folder, outside) => (symlinkSync(join(outside, 'file'), join(folder, 'link')), join(folder, 'link')),
      ],
      [
        'a path through a link to outside',
        (folder, outside) => (symlinkSync(outside, join(folder, 'door')), join(folder, 'door', 'file')),
      ],
      [
        'a file with a second hard link',
        (folder, outside) => (linkSync(join(outside, 'file'), join(folder, 'hard')), join(folder, 'hard')),
      ],
      ['a folder', (folder) => (mkdirSync(join(folder, 'folder')), join(folder, 'folder'))],
      ['a fifo', (folder) => (execFileSync('mkfifo', [join(folder, 'fifo')]), join(folder, 'fifo'))],
      [
        'a device',
        (folder) => (execFileSync('mknod', [join(folder, 'null'), 'c', '1', '3']), join(folder, 'null')),
      ],
      [
        'the file of another user',
        (folder) => (chownSync(join(folder, 'answer.wav'), 12_345, 12_345), join(folder, 'answer.wav')),
      ],
      ['the folder itself', (folder) => folder],
      ['nothing', (folder) => join(folder, 'nothing')],
    ];

    it.each(refused)('%s', async (_name, make) => {
      const outside = join(place.path, 'outside');
      mkdirSync(outside);
      writeFileSync(join(outside, 'file'), 'not yours');
      const path = make(allowed, outside);
      const before = snapshot(place.path);
      const error = await storage.adopt(newKey(), path).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code: 'FILE_NOT_ADOPTABLE' });
      expect(String(error)).not.toContain(place.path);
      expect(snapshot(place.path)).toEqual(before);
    });

    it('a file of the storage itself, even if its folder is allowed', async () => {
      const { storage: wide } = await place.connected({ adoptFrom: [place.path] });
      const key = await write(wide);
      await expect(wide.adopt(newKey(), fileOf(place.root, key))).rejects.toMatchObject({
        code: 'FILE_NOT_ADOPTABLE',
      });
    });

    it('every file if no folder is allowed', async () => {
      const { storage: closed } = await place.connected();
      await expect(closed.adopt(newKey(), source)).rejects.toMatchObject({ code: 'FILE_NOT_ADOPTABLE' });
    });
  });

  describe('when the source changes after the check', () => {
    const changes: [string, (path: string) => void][] = [
      ['it grows', (path) => appendFileSync(path, ' more')],
      [
        'another file replaces it',
        (path) => (renameSync(path, `${path}.old`), writeFileSync(path, 'spoken')),
      ],
      ['a link replaces it', (path) => (renameSync(path, `${path}.old`), symlinkSync('/etc/hostname', path))],
      ['it gets a second hard link', (path) => linkSync(path, `${path}.2`)],
      ['it is deleted', (path) => rmSync(path)],
    ];
    it.each(changes)('%s: the adoption is refused and the file stays', async (_name, change) => {
      const adoption = await storage.adopt(newKey(), source);
      change(source);
      const before = snapshot(allowed);
      await expect(adoption.place()).rejects.toMatchObject({ code: 'FILE_NOT_ADOPTABLE' });
      expect(snapshot(allowed)).toEqual(before);
      expect((await scanAll(storage)).files).toEqual([]);
    });
  });

  it('does not delete a file that replaced the source meanwhile', async () => {
    const key = newKey();
    const adoption = await storage.adopt(key, source);
    await adoption.place();
    renameSync(source, `${source}.old`);
    writeFileSync(source, 'the next one');
    await adoption.complete();
    expect(readFileSync(source, 'utf8')).toBe('the next one');
    expect(await read(storage, key)).toBe('spoken');
  });

  it('leaves the source if the session has been discarded', async () => {
    const key = await write(storage);
    const adoption = await storage.adopt(newKey(key.sessionId), source);
    await adoption.place();
    await storage.emptyTrash((await storage.discardSession(key.sessionId)) ?? '');
    await adoption.abort();
    expect(readFileSync(source, 'utf8')).toBe('spoken');
    expect(existsSync(folderOf(place.root, key.sessionId))).toBe(false);
  });

  it('rejects if deleting the source fails, and the source keeps its mode', async () => {
    const adoption = await storage.adopt(newKey(), source);
    await adoption.place();
    execFileSync('mount', ['--bind', allowed, allowed]);
    place.after(() => execFileSync('umount', ['-l', allowed]));
    execFileSync('mount', ['-o', 'remount,ro,bind', allowed]);
    await expect(adoption.complete()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    await adoption.abort();
    expect(lstatSync(source).mode & 0o777).toBe(0o640);
    expect(readdirSync(allowed)).toEqual(['answer.wav']);
  });
});

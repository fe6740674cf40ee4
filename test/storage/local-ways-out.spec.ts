/* oxlint-disable no-await-in-loop -- the steps depend on each other */
import { execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  readlinkSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import promises from 'node:fs/promises';
import { join } from 'node:path';
import type { LocalStorage } from '#sessions/storage/local/create-local-storage';
import type { FileKey } from '#sessions/ports/storage/file-storage';
import type { ClaimEntry, LentFile } from '#sessions/ports/storage/ways-out';
import { CONNECTED, Place, fileOf, newKey, read, write } from './local-support.js';

const SOMEBODY = 65_534;

describe('lending a file', () => {
  let place: Place;
  beforeEach(() => (place = new Place()));
  afterEach(() => place.leave());

  /** What a program does with a lent path that runs, as the server does, as this user. */
  function lendAs(uid: number): {
    text: string;
    wrote: string;
    stored: string;
    names: number;
    copies: number;
    left: string[];
  } {
    mkdirSync(place.root);
    execFileSync('chown', ['-R', String(uid), place.path]);
    const program = `${CONNECTED}
      const { randomUUID } = await import('node:crypto');
      const { readFileSync, writeFileSync, lstatSync, readdirSync } = await import('node:fs');
      const key = { sessionId: randomUUID(), resourceId: randomUUID() };
      const writer = await storage.create(key);
      await writer.write([Buffer.from('spoken')]);
      await writer.finish();
      const name = { owner: randomUUID(), extension: 'wav' };
      const lents = await Promise.all([1, 2, 3].map(() => storageRoot.lentFiles.lend(storage, key, name)));
      const [lent] = lents;
      const text = readFileSync(lent.path, 'utf8');
      const names = lstatSync(lent.path).nlink;
      const copies = new Set(lents.map(({ path }) => lstatSync(path).ino)).size;
      let wrote = 'written';
      try { writeFileSync(lent.path, 'changed'); } catch (error) { wrote = error.code; }
      let stored = '';
      for await (const chunk of await storage.read(key)) stored += chunk;
      for (const { takeBack } of lents) await takeBack();
      const left = readdirSync(process.argv[1] + '/tmp');
      await storage.close();
      console.log(JSON.stringify({ text, wrote, stored, names, copies, left }));`;
    const answer = execFileSync(process.execPath, ['--input-type=module', '-e', program, place.root], {
      uid,
      gid: uid,
      cwd: '/',
      env: { ...process.env, HOME: '/nonexistent' },
      encoding: 'utf8',
    });
    return JSON.parse(answer) as ReturnType<typeof lendAs>;
  }

  it('links it where modes count: nobody can write through the path', () => {
    expect(lendAs(SOMEBODY)).toEqual({
      text: 'spoken',
      wrote: 'EACCES',
      stored: 'spoken',
      names: 4,
      copies: 1,
      left: [],
    });
  });

  it('copies it for root, whom no mode stops', () => {
    expect(lendAs(0)).toEqual({
      text: 'spoken',
      wrote: 'written',
      stored: 'spoken',
      names: 3,
      copies: 1,
      left: [],
    });
  });

  describe('to several at once', () => {
    let local: LocalStorage;
    let key: FileKey;
    beforeEach(async () => {
      local = await place.connected();
      key = await write(local.storage, 'spoken');
    });
    afterEach(() => jest.restoreAllMocks());

    const owner = randomUUID();
    const lend = async (): Promise<LentFile> => {
      const lent = await local.storageRoot.lentFiles.lend(local.storage, key, { owner, extension: 'wav' });
      if (!lent) throw new Error('nothing was lent');
      return lent;
    };
    const lendTo = (count: number): Promise<LentFile[]> =>
      Promise.all(Array.from({ length: count }, () => lend()));
    /** How often its size is on the disk. */
    const copies = (): number =>
      new Set(
        readdirSync(join(place.root, 'tmp')).map((name) => lstatSync(join(place.root, 'tmp', name)).ino),
      ).size;
    const backTo = (lents: readonly LentFile[]): Promise<unknown> =>
      Promise.all(lents.map((lent) => lent.takeBack()));

    it('makes one copy for root, under a path for each, until the last is back', async () => {
      const lents = await lendTo(20);
      expect([new Set(lents.map(({ path }) => path)).size, copies()]).toEqual([20, 1]);
      expect(lstatSync(lents[0]!.path).ino).not.toBe(lstatSync(fileOf(place.root, key)).ino);
      await backTo(lents.slice(1));
      await backTo(lents.slice(1));
      expect(readFileSync(lents[0]!.path, 'utf8')).toBe('spoken');
      await backTo([lents[0]!, await lend(), await lend()]);
      expect(readdirSync(join(place.root, 'tmp'))).toEqual([]);
      expect(readFileSync((await lend()).path, 'utf8')).toBe('spoken');
    });

    it.each([
      ['written to', (path: string) => writeFileSync(path, 'SPOKEN')],
      ['replaced', (path: string) => (rmSync(path), writeFileSync(path, 'spoken', { mode: 0o400 }))],
      ['removed', (path: string) => rmSync(path)],
    ])('lends nobody what a borrower has %s', async (_what, spoil) => {
      const first = await lend();
      spoil(first.path);
      const third = await lend();
      expect(readFileSync(third.path, 'utf8')).toBe('spoken');
      expect(await read(local.storage, key)).toBe('spoken');
      await backTo([first, third, await lend()]);
      expect(readdirSync(join(place.root, 'tmp'))).toEqual([]);
    });

    it('shares the one path where the file system has no further links', async () => {
      jest.spyOn(promises, 'link').mockRejectedValue(Object.assign(new Error('no links'), { code: 'EPERM' }));
      const lents = await lendTo(3);
      expect([new Set(lents.map(({ path }) => path)).size, copies()]).toEqual([1, 1]);
      await backTo([lents[0]!, lents[0]!, lents[1]!]);
      expect(readFileSync(lents[2]!.path, 'utf8')).toBe('spoken');
      await backTo(lents);
      expect(copies()).toBe(0);
    });

    it('tries anew after a copy that failed, and leaves nothing of it', async () => {
      const lutimes = jest.spyOn(promises, 'lutimes').mockRejectedValueOnce(new Error('the disk failed'));
      await expect(lend()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
      expect([copies(), lutimes.mock.calls.length]).toEqual([0, 1]);
      await backTo(await lendTo(2));
      expect(copies()).toBe(0);
    });
  });

  it('lists what is ours in `tmp`, and removes nothing else', async () => {
    const { storage, storageRoot } = await place.connected();
    const owner = randomUUID();
    await storageRoot.lentFiles.lend(storage, await write(storage), { owner, extension: 'mp3' });
    writeFileSync(join(place.root, 'tmp', 'foreign.mp3'), '');
    const [entry, ...more] = await storageRoot.lentFiles.list();
    expect([entry?.owner, more]).toEqual([owner, []]);
    await storageRoot.lentFiles.remove({ owner, name: 'foreign.mp3' });
    await storageRoot.lentFiles.remove({ owner, name: '../.nest-sessions.json' });
    await storageRoot.lentFiles.remove(entry!);
    expect(readdirSync(join(place.root, 'tmp'))).toEqual(['foreign.mp3']);
    expect(existsSync(join(place.root, '.nest-sessions.json'))).toBe(true);
  });
});

describe('claiming a file', () => {
  let place: Place;
  let local: LocalStorage;
  let here: string;
  let there: string;
  beforeEach(async () => {
    place = new Place();
    here = join(place.path, 'claimed');
    there = join(place.path, 'other-disk');
    mkdirSync(here);
    place.mountTmpfs(there, 'size=4m');
    local = await place.connected({ claimTo: [here, there] });
  });
  afterEach(() => place.leave());

  const prepare = async (path: string, owner = randomUUID()) => {
    const key = await write(local.storage, 'spoken');
    return { key, claim: await local.storageRoot.claims.prepare(local.storage, key, path, owner) };
  };

  it.each([
    ['by a link in its file system', () => here, true],
    ['by a copy across file systems', () => there, false],
  ])('moves it %s', async (_how, folder, isLink) => {
    const path = join(folder(), 'answer.wav');
    const { key, claim } = await prepare(path);
    const { ino } = lstatSync(fileOf(place.root, key));
    await claim.place();
    await local.storage.remove(key);
    await claim.complete();
    const { mode, nlink, ino: claimed } = lstatSync(path);
    expect([readFileSync(path, 'utf8'), mode & 0o7777, nlink]).toEqual(['spoken', 0o600, 1]);
    expect(claimed === ino).toBe(isLink);
    expect(readdirSync(folder())).toEqual(['answer.wav']);
    expect(readdirSync(join(place.root, 'claims'))).toEqual([]);
  });

  it('copies a file that is lent by a link, so that no program has the claimed one', async () => {
    const key = await write(local.storage, 'spoken');
    await local.storage.link(key, join(place.root, 'tmp', 'lent'));
    const path = join(here, 'answer.wav');
    const claim = await local.storageRoot.claims.prepare(local.storage, key, path, randomUUID());
    await claim.place();
    await claim.complete();
    expect(lstatSync(path).ino).not.toBe(lstatSync(fileOf(place.root, key)).ino);
  });

  describe('while it is lent by a link', () => {
    afterEach(() => jest.restoreAllMocks());

    /** Stops the next link of a stored file until the first of these is done, the one after that until the second is. */
    const beforeLinks = (...meanwhile: (() => Promise<unknown>)[]): void => {
      const { link } = promises;
      jest.spyOn(promises, 'link').mockImplementation(async (from, to) => {
        if (/\/[0-9a-f]{32}$/.test(String(from))) await meanwhile.shift()?.();
        await link(from, to);
      });
    };
    const lent = (): string => join(place.root, 'tmp', 'lent');
    const claim = async (key: FileKey) => {
      const path = join(here, 'answer.wav');
      const claimed = await local.storageRoot.claims.prepare(local.storage, key, path, randomUUID());
      await claimed.place();
      return { path, complete: () => claimed.complete() };
    };

    it('gives up a link that a claim has overtaken: no program has the claimed file', async () => {
      const key = await write(local.storage, 'spoken');
      let path = '';
      beforeLinks(async () => ({ path } = await claim(key)));
      expect(await local.storage.link(key, lent())).toBe(false);
      expect([existsSync(lent()), readFileSync(path, 'utf8')]).toEqual([false, 'spoken']);
    });

    it.each([1, 2])('copies for a claim that %i links have overtaken', async (count) => {
      const key = await write(local.storage, 'spoken');
      const paths = [lent(), `${lent()}-too`].slice(0, count);
      const links: boolean[] = [];
      beforeLinks(async () => {
        for (const one of paths) links.push(await local.storage.link(key, one));
      });
      const { path } = await claim(key);
      const { ino, nlink } = lstatSync(path);
      expect([links, nlink]).toEqual([[true, false].slice(0, count), 2]);
      expect(paths.filter(existsSync).map((one) => lstatSync(one).ino === ino)).toEqual([false]);
    });

    it('gives up two links that are made at once if a claim comes between them', async () => {
      const key = await write(local.storage, 'spoken');
      let claimed: Awaited<ReturnType<typeof claim>> | undefined;
      let other: boolean | undefined;
      beforeLinks(
        async () => (other = await local.storage.link(key, `${lent()}-too`)),
        async () => (claimed = await claim(key)),
      );
      const links = [await local.storage.link(key, lent()), other];
      await local.storage.remove(key);
      await claimed?.complete();
      expect(links).toEqual([false, false]);
      expect(lstatSync(claimed?.path ?? '').nlink).toBe(1);
    });

    it('links nothing that a claim has taken out of the storage meanwhile', async () => {
      const key = await write(local.storage, 'spoken');
      const { lstat } = promises;
      const path = join(here, 'answer.wav');
      // The first look at the link: from there on the claimed file and the link are the only names.
      jest.spyOn(promises, 'lstat').mockImplementation((async (name: string, options: object) => {
        const looked = await lstat(name, options);
        if (name === lent()) {
          jest.restoreAllMocks();
          const { link, unlink } = promises;
          await link(name, path);
          await unlink(fileOf(place.root, key));
        }
        return looked;
      }) as typeof lstat);
      expect(await local.storage.link(key, lent())).toBe(false);
      expect([existsSync(lent()), readFileSync(path, 'utf8')]).toEqual([false, 'spoken']);
    });
  });

  it.each([
    ['beside claimTo', (): string => join(place.path, 'answer.wav')],
    [
      'in a folder whose name begins as one of claimTo',
      (): string => join(place.path, 'claimed-not', 'a.wav'),
    ],
    ['through a link out of claimTo', (): string => join(here, 'escape', 'a.wav')],
    ['in the storage root, though claimTo leads there', (): string => join(here, 'root', 'tmp', 'a.wav')],
  ])('refuses a path %s', async (_where, path) => {
    mkdirSync(join(place.path, 'claimed-not'));
    symlinkSync(place.path, join(here, 'escape'));
    symlinkSync(place.root, join(here, 'root'));
    await expect(prepare(path())).rejects.toMatchObject({ code: 'INVALID_ARGUMENT' });
    expect(readdirSync(join(place.root, 'claims'))).toEqual([]);
  });

  it('undoes a claim durably before its note goes, on whatever disk', async () => {
    const { claim } = await prepare(join(there, 'a.wav'));
    const probe = await promises.open(there);
    const handles = Object.getPrototypeOf(probe) as typeof probe;
    await probe.close();
    const seen: string[][] = [];
    // oxlint-disable-next-line typescript/unbound-method -- called with a handle below
    const { sync } = handles;
    jest.spyOn(handles, 'sync').mockImplementation(async function (this: typeof probe) {
      if (readlinkSync(`/proc/self/fd/${this.fd}`) === there)
        seen.push([...readdirSync(there), ...readdirSync(join(place.root, 'claims')).map(() => 'a note')]);
      await sync.call(this);
    });
    await claim.abort();
    jest.restoreAllMocks();
    expect(seen).toEqual([['a note']]);
    expect(readdirSync(join(place.root, 'claims'))).toEqual([]);
  });

  it('does not follow a link that replaces the folder meanwhile', async () => {
    const folder = join(here, 'in');
    mkdirSync(folder);
    const { claim } = await prepare(join(folder, 'a.wav'));
    renameSync(folder, join(here, 'moved'));
    mkdirSync(join(place.path, 'elsewhere'));
    symlinkSync(join(place.path, 'elsewhere'), folder);
    await expect(claim.place()).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    expect(readdirSync(join(place.path, 'elsewhere'))).toEqual([]);
  });

  it('on a full disk leaves nothing there', async () => {
    const key = newKey();
    const writer = await local.storage.create(key);
    await writer.write([Buffer.alloc(6 * 1024 * 1024, 1)]);
    await writer.finish();
    const claim = local.storageRoot.claims.prepare(local.storage, key, join(there, 'large'), randomUUID());
    await expect(claim).rejects.toMatchObject({ code: 'STORAGE_FULL' });
    expect(readdirSync(there)).toEqual([]);
    expect(readdirSync(join(place.root, 'claims'))).toEqual([]);
  });

  describe('after a crash', () => {
    /** Another process, which finds what the first one left. */
    const successor = async (): Promise<{ storage: LocalStorage; entries: ClaimEntry[] }> => {
      const storage = await place.connected({ claimTo: [here, there] });
      return { storage, entries: await storage.storageRoot.claims.list() };
    };

    it.each([
      ['here', () => here],
      ['there', () => there],
    ])('before the file had its path, %s: undoes it', async (_where, folder) => {
      const { key } = await prepare(join(folder(), 'a.wav'));
      const { storage, entries } = await successor();
      expect(entries).toMatchObject([key]);
      expect(await storage.storageRoot.claims.resume(entries[0]!)).toBeNull();
      expect(readdirSync(folder())).toEqual([]);
      expect(readdirSync(join(place.root, 'claims'))).toEqual([]);
      expect(await read(storage.storage, key)).toBe('spoken');
    });

    it.each([
      ['here', () => here],
      ['there', () => there],
    ])('after the file had its path, %s: goes on', async (_where, folder) => {
      const { key, claim } = await prepare(join(folder(), 'a.wav'));
      await claim.place();
      const { storage, entries } = await successor();
      const resumed = await storage.storageRoot.claims.resume(entries[0]!);
      await storage.storage.remove(key);
      await resumed?.complete();
      expect(readdirSync(folder())).toEqual(['a.wav']);
      expect(lstatSync(join(folder(), 'a.wav')).nlink).toBe(1);
      expect(readdirSync(join(place.root, 'claims'))).toEqual([]);
      // The one that was only believed dead.
      await claim.complete();
      expect(readFileSync(join(folder(), 'a.wav'), 'utf8')).toBe('spoken');
    });

    it('leaves alone what is no note of a claim, and the claim of another owner', async () => {
      const { key } = await prepare(join(here, 'a.wav'));
      const hidden = readdirSync(here);
      const notes = join(place.root, 'claims');
      const name = readdirSync(notes)[0]!;
      const note = JSON.parse(readFileSync(join(notes, name), 'utf8')) as Record<string, unknown>;
      writeFileSync(join(notes, 'torn'), '{"resourceId":');
      writeFileSync(join(here, 'precious'), '');
      const other = newKey();
      const lying = { ...note, ...other, folder: here, draft: 'precious' };
      writeFileSync(join(notes, other.resourceId.replaceAll('-', '')), JSON.stringify(lying));
      const { storage, entries } = await successor();
      expect(entries).toHaveLength(1);
      for (const resourceId of [key.resourceId, other.resourceId])
        expect(
          await storage.storageRoot.claims.resume({ ...key, resourceId, owner: randomUUID() }),
        ).toBeNull();
      expect(readdirSync(here).toSorted()).toEqual([...hidden, 'precious'].toSorted());
    });
  });
});

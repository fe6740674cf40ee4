/* oxlint-disable no-await-in-loop -- the steps depend on each other */
import { execFile, execFileSync } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  readdirSync,
  renameSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { promisify } from 'node:util';
import { emptyTrash, fileOf, LIBRARY, newKey, Place, read, scanAll, STORE, write } from './local-support.js';

const MARKER = '.nest-sessions.json';

function makeLink(target: string, path: string): string {
  symlinkSync(target, path);
  return path;
}

describe('the root of the local storage', () => {
  let place: Place;

  beforeEach(() => {
    place = new Place();
  });
  afterEach(() => place.leave());

  describe('is refused', () => {
    it.each([
      ['the root of the file system', () => '/'],
      ['the home folder', () => homedir()],
      ['the working directory', () => process.cwd()],
      ['the working directory by another path', () => join(process.cwd(), 'test', '..')],
      ['/tmp', () => '/tmp'],
      ['the folder for temporary files', () => tmpdir()],
      ['a folder of another user', () => '/usr'],
      ['a file', () => resolve('package.json')],
      ['a device', () => '/dev/null'],
    ])('%s', async (_name, root) => {
      const { storageRoot } = place.local({ root: root() });
      await expect(storageRoot.connect(STORE)).rejects.toMatchObject({ code: 'STORAGE_UNSAFE' });
      expect(existsSync(join(root(), MARKER))).toBe(false);
    });

    it('a symbolic link, even to a good root', async () => {
      await (await place.connected()).storage.close();
      const link = join(place.path, 'link');
      symlinkSync(place.root, link);
      await expect(place.local({ root: link }).storageRoot.connect(STORE)).rejects.toThrow(/symbolic link/);
    });

    it('a folder that all users share', async () => {
      mkdirSync(place.root);
      chmodSync(place.root, 0o1777);
      await expect(place.local().storageRoot.connect(STORE)).rejects.toThrow(/temporary files/);
      expect(lstatSync(place.root).mode & 0o7777).toBe(0o1777);
      expect(readdirSync(place.root)).toEqual([]);
    });

    it('a folder open to others that its file system cannot close', async () => {
      mkdirSync(place.root);
      chmodSync(place.root, 0o755);
      place.makeImmutable(place.root);
      await expect(place.local().storageRoot.connect(STORE)).rejects.toThrow(/mode 755.*refuses to change/);
    });

    it('a folder of another user', async () => {
      mkdirSync(place.root, { mode: 0o700 });
      chownSync(place.root, 12_345, 12_345);
      await expect(place.local().storageRoot.connect(STORE)).rejects.toThrow(/another user/);
    });

    it.each(['photo.jpg', 's', 'trash', 'ballast', '.hidden'])(
      'a folder without a marker that contains %s',
      async (name) => {
        mkdirSync(place.root, { mode: 0o700 });
        writeFileSync(join(place.root, name), '');
        await expect(place.local().storageRoot.connect(STORE)).rejects.toThrow(/no marker/);
        expect(readdirSync(place.root)).toEqual([name]);
      },
    );

    it.each(['', '{}', 'not JSON', '{"format":2}', 'x'.repeat(10_000)])(
      'a marker with the content %p',
      async (text) => {
        mkdirSync(place.root, { mode: 0o700 });
        writeFileSync(join(place.root, MARKER), text);
        await expect(place.local().storageRoot.connect(STORE)).rejects.toThrow(/unreadable/);
        expect(readFileSync(join(place.root, MARKER), 'utf8')).toBe(text);
      },
    );

    it('a marker that is a link, a fifo or a folder', async () => {
      mkdirSync(place.root, { mode: 0o700 });
      const marker = join(place.root, MARKER);
      for (const make of [
        () => symlinkSync('/etc/hostname', marker),
        () => execFileSync('mkfifo', [marker]),
        () => mkdirSync(marker),
      ]) {
        make();
        await expect(place.local().storageRoot.connect(STORE)).rejects.toMatchObject({
          code: 'STORAGE_UNSAFE',
        });
        rmSync(marker, { recursive: true });
      }
    });

    it.each([
      ['/etc', /^The storage folder \/etc is not empty and has no marker of nest-sessions: set storagePath/],
      ['/mnt', /^The storage folder \/mnt is a folder of the system: set storagePath/],
      ['/dev/shm', /^The storage folder \/dev\/shm is a folder for temporary files: set storagePath/],
    ])('%s, with a message that names path and setting, and breaks no machine', async (root, message) => {
      const refusal = await place
        .local({ root })
        .storageRoot.connect(STORE)
        .catch((error: Error) => error.message);
      expect(refusal).toMatch(message);
      expect(refusal).toContain('SESSION_STORAGE_PATH');
      expect(refusal).not.toMatch(/chmod|chown/);
    });
  });

  it.each([0o701, 0o710, 0o755, 0o777, 0o2770])(
    'is closed where it is ours and open to others, mode %o, and says so',
    async (mode) => {
      mkdirSync(place.root);
      chmodSync(place.root, mode);
      await place.connected();
      expect(lstatSync(place.root).mode & 0o777).toBe(0o700);
      expect(place.warnings).toEqual([
        `The storage folder ${place.root} was open to other users (mode ${mode.toString(8)}): it is 700 now.`,
      ]);
      await place.connected();
      expect(place.warnings).toHaveLength(1);
    },
  );

  it('is left as it is where it is open to others and has foreign files', async () => {
    mkdirSync(place.root, { mode: 0o755 });
    writeFileSync(join(place.root, 'photo.jpg'), '');
    await expect(place.local().storageRoot.connect(STORE)).rejects.toThrow(/not empty/);
    expect(lstatSync(place.root).mode & 0o777).toBe(0o755);
  });

  it('may contain the lost+found of its file system, but not of a user', async () => {
    mkdirSync(place.root, { mode: 0o700 });
    mkdirSync(join(place.root, 'lost+found'), { mode: 0o700 });
    await place.connected();
    rmSync(join(place.root, MARKER));
    rmSync(join(place.root, 's'), { recursive: true });
    rmSync(join(place.root, 'trash'), { recursive: true });
    chownSync(join(place.root, 'lost+found'), 12_345, 12_345);
    await expect(place.local().storageRoot.connect(STORE)).rejects.toThrow(/no marker/);
  });

  it('is ignored by git, and keeps a .gitignore of the application', async () => {
    await place.connected();
    execFileSync('git', ['init', '-q'], { cwd: place.path });
    writeFileSync(join(place.path, 'other'), '');
    const status = execFileSync('git', ['status', '--porcelain', '-uall'], {
      cwd: place.path,
      encoding: 'utf8',
    });
    expect(status).toBe('?? other\n');
    const root = join(place.path, 'second');
    mkdirSync(root, { mode: 0o700 });
    writeFileSync(join(root, '.gitignore'), '*.db\n');
    await place.connected({ root });
    expect(readFileSync(join(root, '.gitignore'), 'utf8')).toBe('*.db\n');
  });

  it('is created with its parents, with mode 700 under any umask', async () => {
    for (const umask of [0o000, 0o022, 0o777]) {
      const root = join(place.path, `umask-${umask}`, 'data', 'sessions');
      const before = process.umask(umask);
      try {
        await place.connected({ root });
      } finally {
        process.umask(before);
      }
      for (const path of [root, join(root, '..'), join(root, 's'), join(root, 'trash')]) {
        expect([path, lstatSync(path).mode & 0o777]).toEqual([path, 0o700]);
      }
      expect(lstatSync(join(root, MARKER)).mode & 0o777).toBe(0o600);
      expect(readdirSync(root).toSorted()).toEqual(['.gitignore', MARKER, 'claims', 's', 'tmp', 'trash']);
    }
  });

  it('may already contain the database of the store and its companion files', async () => {
    const names = ['sessions.db', 'sessions.db-wal', 'sessions.db-journal', `sessions.db.${randomUUID()}`];
    mkdirSync(place.root, { mode: 0o700 });
    for (const name of names) writeFileSync(join(place.root, name), 'database');
    await place.connected({ reservedNames: ['sessions.db'] });
    for (const name of names) expect(readFileSync(join(place.root, name), 'utf8')).toBe('database');
  });

  it('loses the unfinished marker of a dead process at the next start', async () => {
    await (await place.connected()).storage.close();
    writeFileSync(join(place.root, `${MARKER}.0123456789abcdef.tmp`), '{');
    await place.connected();
    expect(readdirSync(place.root).toSorted()).toEqual(['.gitignore', MARKER, 'claims', 's', 'tmp', 'trash']);
  });

  it('is marked, however many processes start at once', async () => {
    const { storageRoot } = await place.connected();
    const starts = Array.from({ length: 20 }, () => place.connected());
    for (let counter = 2; counter < 22; counter += 1) await storageRoot.noteStore({ ...STORE, counter });
    await Promise.all(starts);
    expect(JSON.parse(readFileSync(join(place.root, MARKER), 'utf8'))).toMatchObject({ counter: 21 });
  });

  it('keeps its id', async () => {
    const { storage, storageRoot } = await place.connected();
    expect(storageRoot.id).toMatch(/^[0-9a-f-]{36}$/);
    await storage.close();
    expect((await place.connected()).storageRoot.id).toBe(storageRoot.id);
  });

  it('rejects calls before it is connected', async () => {
    const { storage, storageRoot } = place.local();
    const refused = { code: 'STORAGE_UNAVAILABLE' };
    await expect(storage.create(newKey())).rejects.toMatchObject(refused);
    await expect(storage.connect()).rejects.toMatchObject(refused);
    await expect(storageRoot.room()).rejects.toMatchObject(refused);
  });

  describe('that belongs to another store, or to a later state of it', () => {
    it.each([
      ['another store', STORE, { generation: randomUUID(), counter: 1 }],
      ['an older state of the store', { ...STORE, counter: 500 }, { ...STORE, counter: 499 }],
    ])(
      '%s: scanned files are kept, files that the store releases are deleted',
      async (_name, owner, stranger) => {
        const { storage: first } = await place.connected({}, owner);
        const kept = await write(first, 'kept');
        const known = await write(first, 'known');
        const ended = await write(first, 'ended');
        await first.close();

        const { storage, storageRoot } = await place.connected({}, stranger);
        expect(place.warnings).toHaveLength(1);
        expect(await storageRoot.room()).toMatchObject({ trusted: false, refusing: place.warnings[0] });
        await expect(storage.create(newKey())).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });

        const { files } = await scanAll(storage);
        expect(files).toHaveLength(3);
        for (const file of files) expect(await storage.removeScanned(file)).toBe(false);
        expect(await read(storage, kept)).toBe('kept');
        await storage.remove(known);
        expect(await storage.removeEmptyFolder(known.sessionId, 0)).toBe(false);
        const ticket = await storage.discardSession(ended.sessionId);
        expect(await storage.emptyTrash(ticket ?? '')).toMatchObject({ files: 1, failure: null });
        await storageRoot.noteStore(stranger);
        expect(place.warnings).toHaveLength(1);
        expect(JSON.parse(readFileSync(join(place.root, MARKER), 'utf8'))).toMatchObject({
          store: owner.generation,
          counter: owner.counter,
        });
      },
    );

    it('is trusted if another process noted a later state while this one connected', async () => {
      const first = await place.connected();
      const readBefore = { ...STORE, counter: 5 };
      await first.storageRoot.noteStore({ ...STORE, counter: 9 });
      const second = await place.connected({}, readBefore);
      expect(await second.storageRoot.room()).toMatchObject({ trusted: false });
      await second.storageRoot.noteStore({ ...STORE, counter: 9 });
      await write(second.storage);
    });

    it('stays untrusted when an older store catches up without a confirmation', async () => {
      await place.connected({}, { ...STORE, counter: 100 });
      const { storage, storageRoot } = await place.connected({}, { ...STORE, counter: 50 });
      await storageRoot.noteStore({ ...STORE, counter: 51 });
      await storageRoot.noteStore({ ...STORE, counter: 200 });
      await expect(storage.create(newKey())).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    });

    it('becomes untrusted when the running store falls back or is replaced', async () => {
      for (const store of [
        { ...STORE, counter: 3 },
        { generation: randomUUID(), counter: 100 },
      ]) {
        const { storage, storageRoot } = await place.connected();
        await storageRoot.noteStore({ ...STORE, counter: 10 });
        await storageRoot.noteStore(store);
        await expect(storage.create(newKey())).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
        rmSync(place.root, { recursive: true });
      }
    });
  });

  describe('whose files an operator confirms', () => {
    const stranger = { generation: randomUUID(), counter: 3 };

    it.each([
      ['of another store', stranger],
      ['of a later state of the store', { ...STORE, counter: 50 }],
    ])('%s: takes files and deletes orphans again, in every process', async (_name, store) => {
      const first = await place.connected();
      await first.storageRoot.noteStore({ ...STORE, counter: 100 });
      const orphan = await write(first.storage);
      await first.storage.close();
      const asked = await place.connected({}, store);
      const other = await place.connected({}, store);
      await asked.storageRoot.trust(store);
      for (const { storage, storageRoot } of [asked, other]) {
        expect(await storageRoot.room()).toMatchObject({ trusted: true, refusing: null, problem: null });
        await storageRoot.noteStore({ ...store, counter: store.counter + 1 });
        await write(storage);
      }
      const { files } = await scanAll(other.storage);
      const file = files.find(({ sessionId }) => sessionId === orphan.sessionId);
      expect(file && (await other.storage.removeScanned(file))).toBe(true);
    });

    it('is no longer trusted by the former store', async () => {
      const first = await place.connected();
      const second = await place.connected({}, stranger);
      await second.storageRoot.trust(stranger);
      expect(await first.storageRoot.room()).toMatchObject({ trusted: false, problem: 'untrusted' });
    });

    it('is not one that is gone', async () => {
      const { storageRoot } = await place.connected();
      rmSync(join(place.root, MARKER));
      await expect(storageRoot.trust(STORE)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
      expect(await storageRoot.room()).toMatchObject({ trusted: false, problem: 'missing' });
      expect(existsSync(join(place.root, MARKER))).toBe(false);
    });
  });

  describe('inspected before it is used', () => {
    it('is accepted if missing or ours, and stays unchanged', async () => {
      await place.local().storageRoot.inspect();
      expect(readdirSync(place.path)).toEqual([]);
      await (await place.connected()).storage.close();
      const before = readdirSync(place.root);
      await place.local().storageRoot.inspect();
      expect(readdirSync(place.root)).toEqual(before);
    });

    it.each([
      ['the working directory', () => process.cwd()],
      ['a folder of another user', () => '/usr'],
      ['a dangling link', ({ path }: Place) => makeLink('/nowhere', join(path, 'link'))],
      ['a link to a folder', ({ path }: Place) => makeLink(path, join(path, 'link'))],
      ['a folder with foreign files', ({ path }: Place) => path],
    ])('%s is refused', async (_name, rootOf) => {
      writeFileSync(join(place.path, 'photo.jpg'), '');
      const root = rootOf(place);
      await expect(place.local({ root }).storageRoot.inspect()).rejects.toMatchObject({
        code: 'STORAGE_UNSAFE',
      });
    });
  });

  it('keeps the highest counter that any process notes', async () => {
    const [first, second] = [await place.connected(), await place.connected()];
    await first.storageRoot.noteStore({ ...STORE, counter: 10 });
    await second.storageRoot.noteStore({ ...STORE, counter: 7 });
    expect(JSON.parse(readFileSync(join(place.root, MARKER), 'utf8'))).toMatchObject({ counter: 10 });
    expect(readdirSync(place.root).toSorted()).toEqual(['.gitignore', MARKER, 'claims', 's', 'tmp', 'trash']);
    await Promise.all([write(first.storage), write(second.storage)]);
  });

  describe('that disappears while it is used', () => {
    const disturbances: [string, (here: Place) => () => void][] = [
      [
        'deleted',
        ({ root, path }) => {
          renameSync(root, join(path, 'aside'));
          return () => renameSync(join(path, 'aside'), root);
        },
      ],
      [
        'replaced by an empty folder',
        ({ root, path }) => {
          renameSync(root, join(path, 'aside'));
          mkdirSync(root, { mode: 0o700 });
          return () => {
            rmSync(root, { recursive: true });
            renameSync(join(path, 'aside'), root);
          };
        },
      ],
      [
        'replaced by a link to a folder with the same names',
        ({ root, path }) => {
          renameSync(root, join(path, 'aside'));
          execFileSync('cp', ['-a', join(path, 'aside'), join(path, 'copy')]);
          rmSync(join(path, 'copy', MARKER));
          symlinkSync(join(path, 'copy'), root);
          return () => {
            rmSync(root);
            renameSync(join(path, 'aside'), root);
          };
        },
      ],
      [
        'replaced by a link to its new path',
        ({ root, path }) => {
          renameSync(root, join(path, 'aside'));
          symlinkSync(join(path, 'aside'), root);
          return () => {
            rmSync(root);
            renameSync(join(path, 'aside'), root);
          };
        },
      ],
      [
        'replaced by a link to itself',
        ({ root, path }) => {
          renameSync(root, join(path, 'aside'));
          symlinkSync(root, root);
          return () => {
            rmSync(root);
            renameSync(join(path, 'aside'), root);
          };
        },
      ],
      [
        'mounted over',
        (here) => {
          here.mountTmpfs(here.root, 'size=1m');
          return () => execFileSync('umount', [here.root]);
        },
      ],
    ];

    it.each(disturbances)('%s: nothing is written or deleted until it is back', async (_name, disturb) => {
      const { storage, storageRoot } = await place.connected();
      const key = await write(storage, 'precious');
      const [file] = (await scanAll(storage)).files;
      const heal = disturb(place);

      const refused = { code: 'STORAGE_UNAVAILABLE' };
      await expect(storage.create(newKey())).rejects.toMatchObject(refused);
      await expect(storage.remove(key)).rejects.toMatchObject(refused);
      await expect(storage.discardSession(key.sessionId)).rejects.toMatchObject(refused);
      await expect(storageRoot.noteStore({ ...STORE, counter: 2 })).rejects.toMatchObject(refused);
      await expect(emptyTrash(storage)).rejects.toMatchObject(refused);
      expect(await scanAll(storage)).toEqual({ files: [], foreign: 0, empty: [] });
      expect(file && (await storage.removeScanned(file))).toBe(false);
      expect(await storage.removeEmptyFolder(key.sessionId, 0)).toBe(false);
      expect(await storageRoot.restoreBallast()).toBe(false);
      await new Promise((done) => setTimeout(done, 300));
      expect(await storageRoot.room()).toMatchObject({
        trusted: false,
        refusing: expect.stringContaining('missing or was replaced'),
      });
      expect(place.warnings).toHaveLength(1);

      heal();
      await new Promise((done) => setTimeout(done, 300));
      expect(await read(storage, key)).toBe('precious');
      await write(storage);
    });

    it('rejects reads, instead of answering null, while the root is missing', async () => {
      const { storage } = await place.connected();
      const key = await write(storage);
      renameSync(place.root, join(place.path, 'aside'));
      await expect(storage.read(key)).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    });

    it('is not confused with another marked root at its path', async () => {
      const { storage } = await place.connected();
      const other = join(place.path, 'other');
      await place.connected({ root: other });
      renameSync(place.root, join(place.path, 'aside'));
      renameSync(other, place.root);
      await expect(storage.create(newKey())).rejects.toMatchObject({ code: 'STORAGE_UNAVAILABLE' });
    });
  });

  it('can be created by several processes at once, which share it', async () => {
    const script = `
      const { createLocalStorage } = await import(${JSON.stringify(LIBRARY)});
      const { randomUUID } = await import('node:crypto');
      const [root, generation] = process.argv.slice(1);
      const options = { root, minFreeBytes: 0, minFreeInodes: 0, ballastBytes: 100_000 };
      const { storage, storageRoot } = createLocalStorage(options);
      // The answer of one shared store.
      const identity = () => ({ generation, counter: Date.now() });
      await storageRoot.connect(identity());
      await storageRoot.noteStore(identity());
      await storage.connect();
      await storageRoot.restoreBallast();
      const keys = [];
      for (let i = 0; i < 50; i += 1) {
        const key = { sessionId: randomUUID(), resourceId: randomUUID() };
        const writer = await storage.create(key);
        await writer.write([Buffer.from('from ' + process.pid)]);
        await writer.finish();
        if (i % 2) await storage.emptyTrash(await storage.discardSession(key.sessionId));
        else keys.push(key);
        await storageRoot.noteStore(identity());
        for (const { ticket } of i % 10 ? [] : await storage.listTrash()) await storage.emptyTrash(ticket);
      }
      console.log(JSON.stringify({ rootId: storageRoot.id, keys }));
      await storage.close();`;
    const answers = await Promise.all(
      Array.from({ length: 4 }, () =>
        promisify(execFile)(process.execPath, [
          '--input-type=module',
          '-e',
          script,
          place.root,
          STORE.generation,
        ]),
      ),
    );
    const told = answers.map(
      ({ stdout }) => JSON.parse(stdout) as { rootId: string; keys: ReturnType<typeof newKey>[] },
    );
    expect(new Set(told.map(({ rootId }) => rootId)).size).toBe(1);
    for (const key of told.flatMap(({ keys }) => keys))
      expect(existsSync(fileOf(place.root, key))).toBe(true);
    expect(readdirSync(place.root).toSorted()).toEqual([
      '.gitignore',
      MARKER,
      'ballast',
      'claims',
      's',
      'tmp',
      'trash',
    ]);
    expect(readdirSync(join(place.root, 'trash'))).toEqual([]);
    expect(lstatSync(join(place.root, 'ballast')).size).toBe(100_000);
  });

  it('survives a drop of the ballast while restoring it', async () => {
    const { storageRoot } = await place.connected({ ballastBytes: 3_000_000 });
    for (let round = 0; round < 10; round += 1) {
      await storageRoot.dropBallast();
      let isSettled = false;
      const restored = storageRoot.restoreBallast().finally(() => (isSettled = true));
      while (!isSettled) await storageRoot.dropBallast();
      expect(typeof (await restored)).toBe('boolean');
    }
    expect(await storageRoot.restoreBallast()).toBe(true);
    expect(lstatSync(join(place.root, 'ballast')).size).toBe(3_000_000);
  });
});

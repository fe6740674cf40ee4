import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, readdir, stat, symlink, writeFile } from 'node:fs/promises';
import { extname, join } from 'node:path';
import { Readable } from 'node:stream';
import type { LentEntry, LentFile, StoredBytes } from '../../ports/storage/ways-out.js';
import type { StorageRoot } from '../../ports/storage/storage-root.js';
import type { StorageRootCase } from './storage-root.case.js';
import { bytes, newKey, rejectsWith } from './storage.fixtures.js';

const TEXT = 'spoken';
/** As an object store: it can only be read. */
const source: StoredBytes = {
  link: async () => false,
  read: async () => Readable.from([bytes(TEXT)], { objectMode: false }),
};
const nothing: StoredBytes = { link: async () => false, read: async () => null };
const failing: StoredBytes = {
  link: async () => false,
  read: async () =>
    new Readable({
      read() {
        this.push(bytes('half'));
        this.destroy(new Error('the connection broke'));
      },
    }),
};

async function namesIn(folder: string): Promise<string> {
  return (await readdir(folder)).toSorted().join();
}

async function lentBy(root: StorageRoot, owner: string): Promise<LentEntry[]> {
  return (await root.lentFiles.list()).filter((entry) => entry.owner === owner);
}

/** A case that leaves neither a hidden name in its folder nor a claim under way. */
function claimCase(name: string, run: StorageRootCase['run']): StorageRootCase {
  return {
    name,
    async run(root, folder) {
      await run(root, folder);
      assert.doesNotMatch(await namesIn(folder), /(^|,)\./);
      assert.equal((await root.claims.list()).length, 0);
    },
  };
}

export const waysOutCases: readonly StorageRootCase[] = [
  {
    name: 'a lent file has a path with its bytes and the extension, until it is taken back',
    async run(root) {
      const lent = await root.lentFiles.lend(source, newKey(), { owner: randomUUID(), extension: 'wav' });
      assert.ok(lent);
      assert.equal(await readFile(lent.path, 'utf8'), TEXT);
      assert.equal(extname(lent.path), '.wav');
      assert.equal((await stat(lent.path)).mode & 0o777, 0o400);
      await lent.takeBack();
      await lent.takeBack();
      await assert.rejects(readFile(lent.path));
    },
  },
  {
    name: 'what several borrow at once stays until each has given it back, with the bytes that are stored',
    async run(root) {
      const [key, name] = [newKey(), { owner: randomUUID(), extension: 'wav' }];
      const lend = (): Promise<LentFile | null> => root.lentFiles.lend(source, key, name);
      const lents = await Promise.all([lend(), lend(), lend()]);
      for (const lent of lents) {
        assert.ok(lent);
        assert.equal(await readFile(lent.path, 'utf8'), TEXT);
        await Promise.all([lent.takeBack(), lent.takeBack()]);
      }
      assert.equal((await lentBy(root, name.owner)).length, 0);
      const [spoilt, other] = [await lend(), await lend()];
      // As root may.
      await writeFile(spoilt?.path ?? '', 'SPOKEN').catch(() => undefined);
      await other?.takeBack();
      const later = await lend();
      assert.equal(await readFile(later?.path ?? '', 'utf8'), TEXT);
      await Promise.all([spoilt?.takeBack(), later?.takeBack()]);
    },
  },
  {
    name: 'nothing is lent of a missing file, or of one whose bytes break off',
    async run(root) {
      const owner = randomUUID();
      assert.equal(await root.lentFiles.lend(nothing, newKey(), { owner, extension: 'wav' }), null);
      await assert.rejects(root.lentFiles.lend(failing, newKey(), { owner, extension: 'wav' }));
      assert.equal((await lentBy(root, owner)).length, 0);
    },
  },
  {
    name: 'a lent path that its process has left can be removed by another',
    async run(root) {
      const owner = randomUUID();
      const lent = await root.lentFiles.lend(source, newKey(), { owner, extension: 'bin' });
      const left = await lentBy(root, owner);
      for (const entry of left) await root.lentFiles.remove(entry);
      for (const entry of left) await root.lentFiles.remove(entry);
      assert.equal((await lentBy(root, owner)).length, 0);
      await lent?.takeBack();
    },
  },
  claimCase('a claim gives a whole file its path, and leaves nothing else', async (root, folder) => {
    const path = join(folder, 'answer.wav');
    const claim = await root.claims.prepare(source, newKey(), path, randomUUID());
    await assert.rejects(readFile(path));
    await claim.place();
    assert.equal(await readFile(path, 'utf8'), TEXT);
    await claim.complete();
    await claim.complete();
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal((await stat(path)).nlink, 1);
  }),
  claimCase('a claim that is aborted, or whose bytes break off, leaves nothing', async (root, folder) => {
    const key = newKey();
    const claim = await root.claims.prepare(source, key, join(folder, 'a'), randomUUID());
    await claim.abort();
    await claim.abort();
    await rejectsWith('RESOURCE_GONE', root.claims.prepare(nothing, key, join(folder, 'a'), randomUUID()));
    await assert.rejects(root.claims.prepare(failing, key, join(folder, 'a'), randomUUID()));
    assert.equal(await namesIn(folder), '');
  }),
  claimCase('a claim never replaces what there is, of whatever kind', async (root, folder) => {
    await writeFile(join(folder, 'file'), 'mine');
    await mkdir(join(folder, 'folder'));
    await symlink(join(folder, 'nowhere'), join(folder, 'link'));
    for (const name of ['file', 'folder', 'link']) {
      const owner = randomUUID();
      await rejectsWith('FILE_EXISTS', root.claims.prepare(source, newKey(), join(folder, name), owner));
    }
    const late = await root.claims.prepare(source, newKey(), join(folder, 'late'), randomUUID());
    await writeFile(join(folder, 'late'), 'mine');
    await rejectsWith('FILE_EXISTS', late.place());
    await late.abort();
    assert.equal(await readFile(join(folder, 'late'), 'utf8'), 'mine');
    assert.equal(await namesIn(folder), 'file,folder,late,link');
  }),
  claimCase('of two claims of one path one wins', async (root, folder) => {
    const path = join(folder, 'one');
    const claims = await Promise.all(
      [0, 1].map(() => root.claims.prepare(source, newKey(), path, randomUUID())),
    );
    const outcomes = await Promise.allSettled(claims.map((claim) => claim.place()));
    assert.deepEqual(outcomes.map(({ status }) => status).toSorted(), ['fulfilled', 'rejected']);
    await Promise.all(claims.map((claim) => claim.complete()));
    assert.equal(await readFile(path, 'utf8'), TEXT);
  }),
  claimCase('a file has one claim at a time', async (root, folder) => {
    const key = newKey();
    const first = await root.claims.prepare(source, key, join(folder, 'first'), randomUUID());
    const second = root.claims.prepare(source, key, join(folder, 'second'), randomUUID());
    await rejectsWith('RESOURCES_IN_USE', second);
    await first.abort();
    const third = await root.claims.prepare(source, key, join(folder, 'third'), randomUUID());
    await third.abort();
  }),
  claimCase('a path that is none of a name in a folder is refused', async (root, folder) => {
    await mkdir(join(folder, 'in'));
    const paths = [
      '',
      `${folder}/in/`,
      `${folder}/in/..`,
      `${folder}/in/.`,
      `${folder}/in/../out`,
      `${folder}/missing/name`,
      `${folder}/nul\0`,
      `${folder}/${'x'.repeat(256)}`,
    ];
    for (const path of paths) {
      await rejectsWith('INVALID_ARGUMENT', root.claims.prepare(source, newKey(), path, randomUUID()));
    }
    assert.equal(await namesIn(folder), 'in');
  }),
];

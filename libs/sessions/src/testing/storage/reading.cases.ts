import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { FileStorageCase } from './storage.case.js';
import { bytes, drain, newKey, rejectsWith, textOf, write } from './storage.fixtures.js';

export const readingCases: readonly FileStorageCase[] = [
  {
    name: 'a range includes its first and last byte',
    async run(storage) {
      const key = await write(storage, '0123456789');
      assert.equal(await textOf(storage, key, { start: 0, end: 0 }), '0');
      assert.equal(await textOf(storage, key, { start: 2, end: 5 }), '2345');
      assert.equal(await textOf(storage, key, { start: 9, end: 9 }), '9');
      assert.equal(await textOf(storage, key, { start: 8, end: 100 }), '89');
    },
  },
  {
    name: 'a range past the end is refused',
    async run(storage) {
      const key = await write(storage, '0123456789');
      await rejectsWith('RANGE_NOT_SATISFIABLE', storage.read(key, { start: 10, end: 12 }));
      await rejectsWith('RANGE_NOT_SATISFIABLE', storage.read(key, { start: 5, end: 4 }));
      await rejectsWith('RANGE_NOT_SATISFIABLE', storage.read(key, { start: -1, end: 4 }));
    },
  },
  {
    name: 'a missing file reads as null',
    async run(storage) {
      assert.equal(await storage.read(newKey()), null);
      const { sessionId } = await write(storage, 'another file');
      assert.equal(await storage.read({ sessionId, resourceId: randomUUID() }), null);
    },
  },
  {
    name: 'a path that no storage of this kind makes has no name',
    async run(storage) {
      for (const path of ['', '/', 'notes.txt', `s/00/${randomUUID()}`, 's/../trash', '/etc/passwd'])
        assert.equal(storage.identify(path), null);
    },
  },
  {
    name: 'an open read survives the deletion of its file',
    async run(storage) {
      const text = 'x'.repeat(500_000);
      const removed = await write(storage, text);
      const discarded = await write(storage, text);
      const [first, second] = [await storage.read(removed), await storage.read(discarded)];
      await storage.remove(removed);
      await storage.emptyTrash((await storage.discardSession(discarded.sessionId)) ?? '');
      assert.ok(first && second);
      assert.equal((await drain(first)).byteLength, text.length);
      assert.equal((await drain(second)).byteLength, text.length);
    },
  },
  {
    name: 'a link has the bytes of its file, and survives its removal; where it is refused nothing is made',
    async run(storage, folder) {
      const key = await write(storage, 'linked');
      const path = join(folder, 'link');
      const isLinked = await storage.link(key, path);
      assert.equal(await textOf(storage, key), 'linked');
      await storage.remove(key);
      const text = await readFile(path, 'utf8').catch(() => null);
      assert.equal(text, isLinked ? 'linked' : null);
    },
  },
  {
    name: 'no link is made of a missing or unfinished file',
    async run(storage, folder) {
      assert.equal(await storage.link(newKey(), join(folder, 'missing')), false);
      const key = newKey();
      const writer = await storage.create(key);
      await writer.write([bytes('half')]);
      assert.equal(await storage.link(key, join(folder, 'half')), false);
      await writer.abort();
    },
  },
];

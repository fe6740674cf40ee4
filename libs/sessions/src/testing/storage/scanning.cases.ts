import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { packIds } from '../../domain/ids.js';
import type { FileKey, ScannedFile } from '../../ports/storage/file-storage.js';
import type { FileStorageCase } from './storage.case.js';
import { bytes, filesOf, newKey, nothingKnown, scanned, textOf, write } from './storage.fixtures.js';

export const scanningCases: readonly FileStorageCase[] = [
  {
    name: 'a scan finds every unknown file, finished or not',
    async run(storage) {
      const finished = await write(storage, '12345');
      const unfinished = { sessionId: finished.sessionId, resourceId: randomUUID() };
      const writer = await storage.create(unfinished);
      await writer.write([bytes('123')]);
      const files = await filesOf(storage, finished.sessionId);
      assert.deepEqual(
        new Map(files.map(({ resourceId, partial, sizeBytes }) => [resourceId, { partial, sizeBytes }])),
        new Map([
          [finished.resourceId, { partial: false, sizeBytes: 5 }],
          [unfinished.resourceId, { partial: true, sizeBytes: 3 }],
        ]),
      );
      await writer.abort();
    },
  },
  {
    name: 'a scan counts known files, and finds the others',
    async run(storage) {
      const [known, unknown, other] = [newKey(), newKey(), newKey()];
      const [sessionId, neighbour] = [known.sessionId, other.sessionId];
      await write(storage, 'known', known);
      await write(storage, 'unknown', { ...unknown, sessionId });
      // Known, but as a resource of the other session.
      await write(storage, 'neighbour', other);
      await write(storage, 'stray', { ...known, sessionId: neighbour });
      const resources = new Map([
        [sessionId, packIds([known.resourceId])],
        [neighbour, packIds([other.resourceId, unknown.resourceId])],
      ]);
      const before = await scanned(storage, nothingKnown);
      const found = await scanned(storage, async (ids) => ids.map((id) => resources.get(id) ?? ''));
      assert.equal(found.files, before.files);
      assert.deepEqual(
        found.unknown
          .filter((file) => resources.has(file.sessionId))
          .map(keyOf)
          .toSorted(byText),
        [
          { sessionId, resourceId: unknown.resourceId },
          { sessionId: neighbour, resourceId: known.resourceId },
        ].toSorted(byText),
      );
    },
  },
  {
    name: 'a scan reads known ids after it has listed the files',
    async run(storage) {
      const { sessionId, resourceId } = await write(storage, 'listed');
      const later = { sessionId, resourceId: randomUUID() };
      const { unknown } = await scanned(storage, async (sessionIds) => {
        if (sessionIds.includes(sessionId)) await write(storage, 'written since', later);
        return sessionIds.map(() => '');
      });
      const found = unknown.filter((file) => file.sessionId === sessionId);
      assert.deepEqual(found.map(keyOf), [{ sessionId, resourceId }]);
    },
  },
  {
    name: 'a scan rejects if reading known ids fails or is incomplete',
    async run(storage) {
      await write(storage, 'kept');
      await assert.rejects(scanned(storage, () => Promise.reject(new Error('no answer'))));
      await assert.rejects(scanned(storage, async () => []));
      await assert.rejects(scanned(storage, async (sessionIds) => sessionIds.map(() => 'no ids')));
    },
  },
  {
    name: 'a scan reports empty folders',
    async run(storage) {
      const [emptied, full] = [await write(storage, 'short-lived'), await write(storage, 'kept')];
      await storage.remove(emptied);
      const { empty } = await scanned(storage, nothingKnown);
      assert.ok(empty.includes(emptied.sessionId));
      assert.ok(!empty.includes(full.sessionId));
    },
  },
  {
    name: 'a scanned file is deleted once',
    async run(storage) {
      const key = await write(storage, 'orphan');
      const [file] = await filesOf(storage, key.sessionId);
      assert.ok(file);
      assert.equal(await storage.removeScanned(file), true);
      assert.equal(await storage.removeScanned(file), false);
      assert.equal(await storage.read(key), null);
    },
  },
  {
    name: 'a scanned file that has changed since is not deleted',
    async run(storage) {
      const key = newKey();
      const writer = await storage.create(key);
      await writer.write([bytes('a')]);
      const [file] = await filesOf(storage, key.sessionId);
      assert.ok(file);
      await writer.write([bytes('b')]);
      assert.equal(await storage.removeScanned(file), false);
      await writer.finish();
      assert.equal(await storage.removeScanned(file), false);
      assert.equal(await textOf(storage, key), 'ab');
    },
  },
  {
    name: 'the folder of a session is deleted only if it is empty and old enough',
    async run(storage) {
      const key = await write(storage, 'there');
      assert.equal(await storage.removeEmptyFolder(key.sessionId, 0), false);
      await storage.remove(key);
      assert.equal(await storage.removeEmptyFolder(key.sessionId, 60_000), false);
      await storage.removeEmptyFolder(key.sessionId, 0);
      assert.equal(await storage.removeEmptyFolder(key.sessionId, 0), false);
      await write(storage, 'again', newKey(key.sessionId));
    },
  },
];

function keyOf({ sessionId, resourceId }: ScannedFile): FileKey {
  return { sessionId, resourceId };
}

function byText(one: FileKey, other: FileKey): number {
  return JSON.stringify(one) < JSON.stringify(other) ? -1 : 1;
}

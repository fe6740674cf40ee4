import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { MemoryFileStorage } from '#sessions/storage/memory/memory-file-storage';
import { MemoryStorageRoot } from '#sessions/storage/memory/memory-storage-root';
import { fileStorageContract } from '#sessions/testing/file-storage.contract';
import { storageRootContract } from '#sessions/testing/storage-root.contract';
import { Place, openFiles } from './local-support.js';

describe.each([
  ['local', (place: Place) => place.connected({ ballastBytes: 1_000_000, claimTo: [place.path] })],
  [
    'memory',
    () => ({ storage: new MemoryFileStorage({ adoptFrom: [] }), storageRoot: new MemoryStorageRoot() }),
  ],
])('%s', (_name, make) => {
  let place: Place;
  let made: Awaited<ReturnType<typeof make>>;

  beforeAll(async () => {
    place = new Place();
    made = await make(place);
  });
  afterAll(() => place.leave());
  const folder = (): string => mkdtempSync(join(place.path, 'case-'));

  describe('the storage keeps the promises of every storage', () => {
    it.each(fileStorageContract)('$name', async (promise) => {
      const before = openFiles();
      await promise.run(made.storage, folder());
      expect(openFiles()).toBeLessThanOrEqual(before + 8);
    });
  });

  describe('the root keeps the promises of every storage root', () => {
    it.each(storageRootContract)('$name', async (promise) => {
      const before = openFiles();
      await promise.run(made.storageRoot, folder());
      expect(openFiles()).toBeLessThanOrEqual(before + 8);
    });
  });
});

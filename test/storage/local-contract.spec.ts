import { fileStorageContract } from '#sessions/testing/file-storage.contract';
import type { LocalFileStorage } from '#sessions/storage/local/local-file-storage';
import { Place, openFiles } from './local-support.js';

describe('the local storage keeps the promises of every storage', () => {
  let place: Place;
  let storage: LocalFileStorage;

  beforeAll(async () => {
    place = new Place();
    storage = await place.connected({ ballastBytes: 1_000_000 });
  });
  afterAll(() => place.leave());

  it.each(fileStorageContract)('$name', async (promise) => {
    const before = openFiles();
    await promise.run(storage);
    expect(openFiles()).toBeLessThanOrEqual(before + 8);
  });
});

import assert from 'node:assert/strict';
import type { FileStorageCase } from './storage.case.js';
import { bytes, filesOf, newKey, textOf } from './storage.fixtures.js';

export const writingCases: readonly FileStorageCase[] = [
  {
    name: 'a file is invisible until it is finished, and complete from then on',
    async run(storage) {
      const key = newKey();
      const writer = await storage.create(key);
      await writer.write([bytes('Guten ')]);
      assert.equal(await storage.read(key), null);
      await writer.write([bytes('Tag')]);
      assert.equal(await writer.finish(), 9);
      assert.equal(await textOf(storage, key), 'Guten Tag');
    },
  },
  {
    name: 'a file may be empty',
    async run(storage) {
      const key = newKey();
      const writer = await storage.create(key);
      assert.equal(await writer.finish(), 0);
      assert.equal(await textOf(storage, key), '');
    },
  },
  {
    name: 'chunks keep their order, even without awaiting each write',
    async run(storage) {
      const key = newKey();
      const writer = await storage.create(key);
      const words = Array.from({ length: 50 }, (_, index) => `${index} `.repeat(1 + (index % 7) * 500));
      await Promise.all(words.map((word) => writer.write([bytes(word)])));
      await writer.finish();
      assert.equal(await textOf(storage, key), words.join(''));
    },
  },
  {
    name: 'the chunks of one write keep their order, however many and small',
    async run(storage) {
      const key = newKey();
      const writer = await storage.create(key);
      const letters = Array.from({ length: 200_000 }, (_, index) => String.fromCharCode(97 + (index % 26)));
      await writer.write([]);
      await writer.write(['', ...letters, ''].map(bytes));
      await writer.write([bytes('!')]);
      assert.equal(await writer.finish(), 200_001);
      assert.equal(await textOf(storage, key), `${letters.join('')}!`);
    },
  },
  {
    name: 'finishing twice answers the same size',
    async run(storage) {
      const writer = await storage.create(newKey());
      await writer.write([bytes('four')]);
      assert.deepEqual(await Promise.all([writer.finish(), writer.finish()]), [4, 4]);
    },
  },
  {
    name: 'abort leaves no file, and can be repeated',
    async run(storage) {
      const key = newKey();
      const writer = await storage.create(key);
      const writing = writer.write([bytes('gone')]);
      await Promise.all([writer.abort(), writer.abort(), writing.catch(() => undefined)]);
      await writer.abort();
      assert.equal(await storage.read(key), null);
      assert.deepEqual(await filesOf(storage, key.sessionId), []);
    },
  },
  {
    name: 'abort deletes a finished file too',
    async run(storage) {
      const key = newKey();
      const writer = await storage.create(key);
      await writer.write([bytes('unwanted')]);
      await writer.finish();
      await writer.abort();
      assert.equal(await storage.read(key), null);
      assert.deepEqual(await filesOf(storage, key.sessionId), []);
    },
  },
  {
    name: 'nothing is written after finish or abort',
    async run(storage) {
      const finished = newKey();
      const writer = await storage.create(finished);
      await writer.write([bytes('done')]);
      await writer.finish();
      await assert.rejects(writer.write([bytes('more')]));
      assert.equal(await textOf(storage, finished), 'done');

      const aborted = await storage.create(newKey());
      await aborted.abort();
      await assert.rejects(aborted.write([bytes('more')]));
      await assert.rejects(aborted.finish());
    },
  },
  {
    name: 'create refuses a key while its file is written, and once it is finished',
    async run(storage) {
      const key = newKey();
      const writer = await storage.create(key);
      await writer.write([bytes('first')]);
      await assert.rejects(storage.create(key));
      await writer.finish();
      await assert.rejects(storage.create(key));
      assert.equal(await textOf(storage, key), 'first');
    },
  },
  {
    name: 'of concurrent creates of one key, one succeeds',
    async run(storage) {
      const key = newKey();
      const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => storage.create(key)));
      const winners = attempts.filter((attempt) => attempt.status === 'fulfilled');
      assert.equal(winners.length, 1);
      await winners[0]?.value.write([bytes('winner')]);
      await winners[0]?.value.finish();
      assert.equal(await textOf(storage, key), 'winner');
    },
  },
];

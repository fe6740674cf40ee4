/* oxlint-disable no-await-in-loop -- here, what comes later rests on what came before */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { FileStorageCase } from './storage.case.js';
import { newKey, rejectsWith } from './storage.fixtures.js';

export const placeCases: readonly FileStorageCase[] = [
  {
    name: 'an id that is no UUID is refused everywhere',
    async run(storage) {
      const hostile = [
        '',
        '.',
        '..',
        '../../etc/passwd',
        '%2e%2e',
        'a\0b',
        randomUUID().toUpperCase(),
        `${randomUUID()}/`,
      ];
      for (const id of hostile) {
        const keys = [
          { sessionId: id, resourceId: randomUUID() },
          { sessionId: randomUUID(), resourceId: id },
        ];
        const answers: Promise<unknown>[] = keys.flatMap((key): Promise<unknown>[] => [
          storage.create(key),
          storage.adopt(key, '/nowhere'),
          storage.read(key),
          storage.remove(key),
        ]);
        answers.push(storage.discardSession(id), storage.removeEmptyFolder(id, 0));
        await Promise.all(answers.map((answer) => rejectsWith('INVALID_ARGUMENT', answer)));
      }
    },
  },
  {
    name: 'a file from elsewhere is not adopted',
    async run(storage) {
      for (const path of ['', '/etc/hostname', 'relative', '/nowhere/at/all', 'a\0b']) {
        await rejectsWith('FILE_NOT_ADOPTABLE', storage.adopt(newKey(), path));
      }
    },
  },
  {
    name: 'there is room, and the storage trusts its place',
    async run(storage) {
      await storage.restoreBallast();
      const room = await storage.room();
      assert.ok(room.freeBytes > 0);
      assert.ok(room.freeInodes > 0);
      assert.equal(room.trusted, true);
      assert.equal(room.refusing, null);
    },
  },
  {
    name: 'the ballast can be dropped and restored, any number of times',
    async run(storage) {
      await storage.dropBallast();
      await storage.dropBallast();
      assert.equal(await storage.restoreBallast(), true);
      assert.equal(await storage.restoreBallast(), true);
      assert.equal((await storage.room()).ballast, true);
    },
  },
  {
    name: 'a sign is seen where its process left it, and still when it left another, until they are removed',
    async run(storage) {
      const [one, other] = [randomUUID(), randomUUID()];
      const sign = await storage.leaveSign(one);
      // There is no root that could be copied.
      if (sign === null) return;
      assert.equal(await storage.seesSign(one, sign), true);
      assert.equal(await storage.seesSign(other, sign), false);
      const next = await storage.leaveSign(one);
      assert.ok(next !== null && next !== sign);
      assert.deepEqual([await storage.seesSign(one, sign), await storage.seesSign(one, next)], [true, true]);
      await storage.leaveSign(one);
      assert.equal(await storage.seesSign(one, sign), false);
      await storage.keepSigns([]);
      assert.equal(await storage.seesSign(one, next), true);
      await storage.removeSigns(one);
      await storage.removeSigns(one);
      assert.equal(await storage.seesSign(one, next), false);
    },
  },
];

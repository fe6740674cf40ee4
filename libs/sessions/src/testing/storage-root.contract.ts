import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { waysOutCases } from './storage/ways-out.cases.js';
import type { StorageRootCase } from './storage/storage-root.case.js';

export type { StorageRootCase } from './storage/storage-root.case.js';

/** The promises of every storage root. Each case needs a connected root with free space, and uses new ids. */
export const storageRootContract: readonly StorageRootCase[] = [
  {
    name: 'the root has free space and is trusted',
    async run(root) {
      await root.restoreBallast();
      const room = await root.room();
      assert.ok(room.freeBytes > 0);
      assert.ok(room.freeInodes > 0);
      assert.ok(room.totalBytes === null || room.totalBytes >= room.freeBytes);
      assert.equal(room.trusted, true);
      assert.equal(room.refusing, null);
    },
  },
  {
    name: 'dropping and restoring the ballast can be repeated',
    async run(root) {
      await root.dropBallast();
      await root.dropBallast();
      assert.equal(await root.restoreBallast(), true);
      assert.equal(await root.restoreBallast(), true);
      assert.equal((await root.room()).ballast, true);
    },
  },
  {
    name: 'the last two beacons of a process are visible until they are removed',
    async run(root) {
      const { beacons } = root;
      const [one, other] = [randomUUID(), randomUUID()];
      const beacon = await beacons.leave(one);
      assert.equal(await beacons.sees(one, beacon), true);
      assert.equal(await beacons.sees(other, beacon), false);
      const next = await beacons.leave(one);
      assert.notEqual(next, beacon);
      assert.deepEqual([await beacons.sees(one, beacon), await beacons.sees(one, next)], [true, true]);
      await beacons.leave(one);
      assert.equal(await beacons.sees(one, beacon), false);
      await beacons.keepOnly([]);
      assert.equal(await beacons.sees(one, next), true);
      await beacons.remove(one);
      await beacons.remove(one);
      assert.equal(await beacons.sees(one, next), false);
    },
  },
  ...waysOutCases,
];

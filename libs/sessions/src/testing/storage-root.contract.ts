import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { StorageRoot } from '../ports/storage-root.js';

/** One promise of the port, put to the test. */
export interface StorageRootCase {
  readonly name: string;
  /** Rejects unless the root keeps the promise. */
  run(root: StorageRoot): Promise<void>;
}

/** What every storage root has to do. Each case takes a connected root with room, and uses ids of its own. */
export const storageRootContract: readonly StorageRootCase[] = [
  {
    name: 'there is room, and the root is trusted',
    async run(root) {
      await root.restoreBallast();
      const room = await root.room();
      assert.ok(room.freeBytes > 0);
      assert.ok(room.freeInodes > 0);
      assert.equal(room.trusted, true);
      assert.equal(room.refusing, null);
    },
  },
  {
    name: 'the ballast can be dropped and restored, any number of times',
    async run(root) {
      await root.dropBallast();
      await root.dropBallast();
      assert.equal(await root.restoreBallast(), true);
      assert.equal(await root.restoreBallast(), true);
      assert.equal((await root.room()).ballast, true);
    },
  },
  {
    name: 'a beacon is seen where its process left it, and still when it left another, until they are removed',
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
];

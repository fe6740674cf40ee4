import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { FileStorageCase } from './storage.case.js';
import { bytes, filesOf, newKey, textOf, write } from './storage.fixtures.js';

export const deletingCases: readonly FileStorageCase[] = [
  {
    name: 'removing a missing file succeeds',
    async run(storage) {
      const key = await write(storage, 'short-lived');
      await storage.remove(key);
      await storage.remove(key);
      await storage.remove(newKey());
      assert.equal(await storage.read(key), null);
    },
  },
  {
    name: 'a file that is removed while it is written does not reappear',
    async run(storage) {
      const key = newKey();
      const writer = await storage.create(key);
      await writer.write([bytes('half')]);
      await storage.remove(key);
      await assert.rejects(writer.finish());
      await writer.abort();
      assert.equal(await storage.read(key), null);
      assert.deepEqual(await filesOf(storage, key.sessionId), []);
    },
  },
  {
    name: 'the files of a discarded session are unreadable at once and deleted later',
    async run(storage) {
      const key = await write(storage, 'one');
      await write(storage, 'three', newKey(key.sessionId));
      const stranger = await write(storage, 'stays');
      const ticket = await storage.discardSession(key.sessionId);
      assert.ok(ticket);
      assert.equal(await storage.read(key), null);
      assert.deepEqual(await filesOf(storage, key.sessionId), []);
      const report = await storage.emptyTrash(ticket);
      assert.ok(report.files === 2 || report.files === 0, 'the background deletion may have been faster');
      assert.equal(report.bytes, report.files === 2 ? 8 : 0);
      assert.equal(report.failure, null);
      assert.equal(await textOf(storage, stranger), 'stays');
    },
  },
  {
    name: 'discarding a session without files answers null',
    async run(storage) {
      assert.equal(await storage.discardSession(randomUUID()), null);
    },
  },
  {
    name: 'discarding a session again answers the same ticket until its files are deleted, then null',
    async run(storage) {
      const { sessionId } = await write(storage, 'once');
      const ticket = await storage.discardSession(sessionId);
      assert.ok(ticket);
      const waiting = (await storage.listTrash()).filter((entry) => entry.sessionId === sessionId);
      const again = await storage.discardSession(sessionId);
      // A storage may delete the files at once.
      if (waiting.length === 0) assert.equal(again, null);
      else assert.deepEqual([again, waiting], [ticket, [{ ticket, sessionId }]]);
      await storage.emptyTrash(ticket);
      assert.equal(await storage.discardSession(sessionId), null);
      assert.ok(!(await storage.listTrash()).some((entry) => entry.sessionId === sessionId));
    },
  },
  {
    name: 'emptying the trash again deletes nothing more',
    async run(storage) {
      const { sessionId } = await write(storage, 'once');
      const ticket = await storage.discardSession(sessionId);
      assert.ok(ticket);
      await storage.emptyTrash(ticket);
      assert.deepEqual(await storage.emptyTrash(ticket), { files: 0, bytes: 0, failure: null });
    },
  },
  {
    name: 'a file that was being written when its session was discarded cannot be finished',
    async run(storage) {
      const key = newKey();
      const writer = await storage.create(key);
      await writer.write([bytes('too ')]);
      await storage.discardSession(key.sessionId);
      await writer.write([bytes('late')]).catch(() => undefined);
      await assert.rejects(writer.finish());
      await writer.abort();
      assert.equal(await storage.read(key), null);
      assert.deepEqual(await filesOf(storage, key.sessionId), []);
    },
  },
];

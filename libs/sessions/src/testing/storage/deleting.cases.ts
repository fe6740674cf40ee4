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
      assert.equal(report.failures, 0);
      assert.equal(await textOf(storage, stranger), 'stays');
    },
  },
  {
    name: 'discarding a session without files, or a second time, answers null',
    async run(storage) {
      assert.equal(await storage.discardSession(randomUUID()), null);
      const { sessionId } = await write(storage, 'once');
      assert.ok(await storage.discardSession(sessionId));
      assert.equal(await storage.discardSession(sessionId), null);
    },
  },
  {
    name: 'emptying the trash again deletes nothing more',
    async run(storage) {
      const { sessionId } = await write(storage, 'once');
      const ticket = await storage.discardSession(sessionId);
      await storage.emptyTrash();
      const again = await storage.emptyTrash(ticket ?? undefined);
      assert.deepEqual(again, { files: 0, bytes: 0, failures: 0, stuck: 0 });
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

/* oxlint-disable no-await-in-loop -- here, what comes later rests on what came before */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { hasCode, type ErrorCode } from '../domain/errors.js';
import type { FileKey, FileStorage, ScannedFile } from '../ports/file-storage.js';

/** One promise of the port, put to the test. */
export interface FileStorageCase {
  readonly name: string;
  /** Rejects unless the storage keeps the promise. */
  run(storage: FileStorage): Promise<void>;
}

/**
 * What every file storage has to do. Each case takes a connected storage with room, which may hold other files; it uses
 * ids of its own. The cases run in any order, with any test runner: they rest on `node:assert` alone.
 */
export const fileStorageContract: readonly FileStorageCase[] = [
  {
    name: 'a file is invisible until it is finished, and whole from then on',
    async run(storage) {
      const key = newKey();
      const writer = await storage.create(key);
      await writer.write(bytes('Guten '));
      assert.equal(await storage.read(key), null);
      await writer.write(bytes('Tag'));
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
    name: 'chunks keep their order, even if nobody waits in between',
    async run(storage) {
      const key = newKey();
      const writer = await storage.create(key);
      const words = Array.from({ length: 50 }, (_, index) => `${index} `.repeat(1 + (index % 7) * 500));
      await Promise.all(words.map((word) => writer.write(bytes(word))));
      await writer.finish();
      assert.equal(await textOf(storage, key), words.join(''));
    },
  },
  {
    name: 'finishing twice answers the same',
    async run(storage) {
      const writer = await storage.create(newKey());
      await writer.write(bytes('four'));
      assert.deepEqual(await Promise.all([writer.finish(), writer.finish()]), [4, 4]);
    },
  },
  {
    name: 'an aborted file leaves nothing, and aborting again changes nothing',
    async run(storage) {
      const key = newKey();
      const writer = await storage.create(key);
      const writing = writer.write(bytes('gone'));
      await Promise.all([writer.abort(), writer.abort(), writing.catch(() => undefined)]);
      await writer.abort();
      assert.equal(await storage.read(key), null);
      assert.deepEqual(await filesOf(storage, key.sessionId), []);
    },
  },
  {
    name: 'abort takes back a finished file too',
    async run(storage) {
      const key = newKey();
      const writer = await storage.create(key);
      await writer.write(bytes('unwanted'));
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
      await writer.write(bytes('done'));
      await writer.finish();
      await assert.rejects(writer.write(bytes('more')));
      assert.equal(await textOf(storage, finished), 'done');

      const aborted = await storage.create(newKey());
      await aborted.abort();
      await assert.rejects(aborted.write(bytes('more')));
      await assert.rejects(aborted.finish());
    },
  },
  {
    name: 'a key is taken while its file is written, and once it is finished',
    async run(storage) {
      const key = newKey();
      const writer = await storage.create(key);
      await writer.write(bytes('first'));
      await assert.rejects(storage.create(key));
      await writer.finish();
      await assert.rejects(storage.create(key));
      assert.equal(await textOf(storage, key), 'first');
    },
  },
  {
    name: 'of many that create one key, one may',
    async run(storage) {
      const key = newKey();
      const attempts = await Promise.allSettled(Array.from({ length: 8 }, () => storage.create(key)));
      const winners = attempts.filter((attempt) => attempt.status === 'fulfilled');
      assert.equal(winners.length, 1);
      await winners[0]?.value.write(bytes('winner'));
      await winners[0]?.value.finish();
      assert.equal(await textOf(storage, key), 'winner');
    },
  },
  {
    name: 'a range holds its first and its last byte',
    async run(storage) {
      const key = await write(storage, '0123456789');
      assert.equal(await textOf(storage, key, { start: 0, end: 0 }), '0');
      assert.equal(await textOf(storage, key, { start: 2, end: 5 }), '2345');
      assert.equal(await textOf(storage, key, { start: 9, end: 9 }), '9');
      assert.equal(await textOf(storage, key, { start: 8, end: 100 }), '89');
    },
  },
  {
    name: 'a range past the end cannot be satisfied',
    async run(storage) {
      const key = await write(storage, '0123456789');
      await rejectsWith('RANGE_NOT_SATISFIABLE', storage.read(key, { start: 10, end: 12 }));
      await rejectsWith('RANGE_NOT_SATISFIABLE', storage.read(key, { start: 5, end: 4 }));
      await rejectsWith('RANGE_NOT_SATISFIABLE', storage.read(key, { start: -1, end: 4 }));
    },
  },
  {
    name: 'what is not there reads as null',
    async run(storage) {
      assert.equal(await storage.read(newKey()), null);
      const { sessionId } = await write(storage, 'another file');
      assert.equal(await storage.read({ sessionId, resourceId: randomUUID() }), null);
    },
  },
  {
    name: 'a read that is open outlives the deletion of its file',
    async run(storage) {
      const text = 'x'.repeat(500_000);
      const removed = await write(storage, text);
      const discarded = await write(storage, text);
      const [first, second] = [await storage.read(removed), await storage.read(discarded)];
      await storage.remove(removed);
      await storage.emptyTrash((await storage.discardSession(discarded.sessionId)) ?? undefined);
      assert.ok(first && second);
      assert.equal((await drain(first)).byteLength, text.length);
      assert.equal((await drain(second)).byteLength, text.length);
    },
  },
  {
    name: 'removing what is not there succeeds',
    async run(storage) {
      const key = await write(storage, 'short-lived');
      await storage.remove(key);
      await storage.remove(key);
      await storage.remove(newKey());
      assert.equal(await storage.read(key), null);
    },
  },
  {
    name: 'a file that is removed while it is written does not come back',
    async run(storage) {
      const key = newKey();
      const writer = await storage.create(key);
      await writer.write(bytes('half'));
      await storage.remove(key);
      await assert.rejects(writer.finish());
      await writer.abort();
      assert.equal(await storage.read(key), null);
      assert.deepEqual(await filesOf(storage, key.sessionId), []);
    },
  },
  {
    name: 'a discarded session is out of reach at once, and then deleted',
    async run(storage) {
      const key = await write(storage, 'one');
      await write(storage, 'three', key.sessionId);
      const stranger = await write(storage, 'stays');
      const ticket = await storage.discardSession(key.sessionId);
      assert.ok(ticket);
      assert.equal(await storage.read(key), null);
      assert.deepEqual(await filesOf(storage, key.sessionId), []);
      const report = await storage.emptyTrash(ticket);
      assert.ok(report.files === 2 || report.files === 0, 'it may have been deleted before it was asked for');
      assert.equal(report.bytes, report.files === 2 ? 8 : 0);
      assert.equal(report.failures, 0);
      assert.equal(await textOf(storage, stranger), 'stays');
    },
  },
  {
    name: 'discarding a session without files answers null, as does the second time',
    async run(storage) {
      assert.equal(await storage.discardSession(randomUUID()), null);
      const { sessionId } = await write(storage, 'once');
      assert.ok(await storage.discardSession(sessionId));
      assert.equal(await storage.discardSession(sessionId), null);
    },
  },
  {
    name: 'emptying the trash again finds nothing left',
    async run(storage) {
      const { sessionId } = await write(storage, 'once');
      const ticket = await storage.discardSession(sessionId);
      await storage.emptyTrash();
      const again = await storage.emptyTrash(ticket ?? undefined);
      assert.deepEqual(again, { files: 0, bytes: 0, failures: 0, stuck: 0 });
    },
  },
  {
    name: 'what was being written when its session was discarded cannot be finished',
    async run(storage) {
      const key = newKey();
      const writer = await storage.create(key);
      await writer.write(bytes('too '));
      await storage.discardSession(key.sessionId);
      await writer.write(bytes('late')).catch(() => undefined);
      await assert.rejects(writer.finish());
      await writer.abort();
      assert.equal(await storage.read(key), null);
      assert.deepEqual(await filesOf(storage, key.sessionId), []);
    },
  },
  {
    name: 'a scan finds every file, whether it is finished or not',
    async run(storage) {
      const finished = await write(storage, '12345');
      const unfinished = { sessionId: finished.sessionId, resourceId: randomUUID() };
      const writer = await storage.create(unfinished);
      await writer.write(bytes('123'));
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
    name: 'a scanned file is deleted once',
    async run(storage) {
      const key = await write(storage, 'orphan');
      const [file] = await filesOf(storage, key.sessionId);
      assert.ok(file);
      assert.equal(await storage.removeScanned(key.sessionId, file), true);
      assert.equal(await storage.removeScanned(key.sessionId, file), false);
      assert.equal(await storage.read(key), null);
    },
  },
  {
    name: 'a scanned file that has changed since is left alone',
    async run(storage) {
      const key = newKey();
      const writer = await storage.create(key);
      await writer.write(bytes('a'));
      const [file] = await filesOf(storage, key.sessionId);
      assert.ok(file);
      await writer.write(bytes('b'));
      assert.equal(await storage.removeScanned(key.sessionId, file), false);
      await writer.finish();
      assert.equal(await storage.removeScanned(key.sessionId, file), false);
      assert.equal(await textOf(storage, key), 'ab');
    },
  },
  {
    name: 'the folder of a session goes only if it is empty and old enough',
    async run(storage) {
      const key = await write(storage, 'there');
      assert.equal(await storage.removeEmptyFolder(key.sessionId, 0), false);
      await storage.remove(key);
      assert.equal(await storage.removeEmptyFolder(key.sessionId, 60_000), false);
      await storage.removeEmptyFolder(key.sessionId, 0);
      assert.equal(await storage.removeEmptyFolder(key.sessionId, 0), false);
      await write(storage, 'again', key.sessionId);
    },
  },
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

function newKey(sessionId: string = randomUUID()): FileKey {
  return { sessionId, resourceId: randomUUID() };
}

function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

async function write(storage: FileStorage, text: string, sessionId?: string): Promise<FileKey> {
  const key = newKey(sessionId);
  const writer = await storage.create(key);
  await writer.write(bytes(text));
  await writer.finish();
  return key;
}

async function textOf(
  storage: FileStorage,
  key: FileKey,
  range?: { start: number; end: number },
): Promise<string> {
  const stream = await storage.read(key, range);
  assert.ok(stream, 'the file should be there');
  return new TextDecoder().decode(await drain(stream));
}

async function drain(stream: Readable): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

async function filesOf(storage: FileStorage, sessionId: string): Promise<ScannedFile[]> {
  const files: ScannedFile[] = [];
  for await (const folder of storage.scan()) if (folder.sessionId === sessionId) files.push(...folder.files);
  return files;
}

async function rejectsWith(code: ErrorCode, answer: Promise<unknown>): Promise<void> {
  await assert.rejects(answer, (error) => hasCode(error, code));
}

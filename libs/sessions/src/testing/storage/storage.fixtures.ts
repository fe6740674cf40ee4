import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { Readable } from 'node:stream';
import { hasCode, type ErrorCode } from '../../domain/errors.js';
import type {
  FileKey,
  FileStorage,
  KnownResources,
  ScannedFile,
  ScannedPart,
} from '../../ports/storage/file-storage.js';

export function newKey(sessionId: string = randomUUID()): FileKey {
  return { sessionId, resourceId: randomUUID() };
}

export function bytes(text: string): Uint8Array {
  return new TextEncoder().encode(text);
}

export async function write(storage: FileStorage, text: string, key: FileKey = newKey()): Promise<FileKey> {
  const writer = await storage.create(key);
  await writer.write([bytes(text)]);
  await writer.finish();
  return key;
}

export async function textOf(
  storage: FileStorage,
  key: FileKey,
  range?: { start: number; end: number },
): Promise<string> {
  const stream = await storage.read(key, range);
  assert.ok(stream, 'the file is missing');
  return new TextDecoder().decode(await drain(stream));
}

export async function drain(stream: Readable): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for await (const chunk of stream as AsyncIterable<Uint8Array>) chunks.push(chunk);
  return Buffer.concat(chunks);
}

/** All files of a session: a scan for a store without records. */
export async function filesOf(storage: FileStorage, sessionId: string): Promise<ScannedFile[]> {
  return (await scanned(storage, nothingKnown)).unknown.filter((file) => file.sessionId === sessionId);
}

export const nothingKnown: KnownResources = async (sessionIds) => sessionIds.map(() => '');

/** All parts of a scan as one. */
export async function scanned(storage: FileStorage, known: KnownResources): Promise<ScannedPart> {
  const parts: ScannedPart[] = [];
  for await (const part of storage.scan(known)) parts.push(part);
  return {
    files: parts.reduce((sum, { files }) => sum + files, 0),
    foreign: parts.reduce((sum, { foreign }) => sum + foreign, 0),
    unknown: parts.flatMap(({ unknown }) => unknown),
    empty: parts.flatMap(({ empty }) => empty),
  };
}

export async function rejectsWith(code: ErrorCode, answer: Promise<unknown>): Promise<void> {
  await assert.rejects(answer, (error) => hasCode(error, code));
}

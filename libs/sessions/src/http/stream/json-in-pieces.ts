import { finished, Readable } from 'node:stream';
import { StreamableFile } from '@nestjs/common';
import { nodeResponse, type PlatformResponse } from '../platform-message.js';
import { onceReaderIdles } from './idle-reader.js';

/** Small pieces are joined to chunks of at least this many characters. */
const CHUNK = 16_384;

/**
 * A JSON answer that is made while the client reads it; no more than a few chunks wait for the client. Rejects if the first
 * chunk cannot be made, so that the client gets an error status; a later failure closes the connection. A client that
 * reads none of the pending bytes for `idleMs` is disconnected.
 */
export async function jsonInPieces(
  pieces: AsyncIterable<string>,
  response: PlatformResponse,
  idleMs: number,
): Promise<StreamableFile> {
  const chunks = chunksOf(pieces);
  const first = await chunks.next();
  const stream = Readable.from(first.done ? [] : startingWith(first.value, chunks), {
    objectMode: false,
    highWaterMark: CHUNK,
  });
  const node = nodeResponse(response);
  finished(node, () => stream.destroy());
  onceReaderIdles(node, idleMs, () => node.destroy());
  return new StreamableFile(stream, { type: 'application/json; charset=utf-8' }).setErrorHandler(() =>
    node.destroy(),
  );
}

async function* chunksOf(pieces: AsyncIterable<string>): AsyncGenerator<string, void, void> {
  let chunk = '';
  for await (const piece of pieces) {
    chunk += piece;
    if (chunk.length < CHUNK) continue;
    yield chunk;
    chunk = '';
  }
  if (chunk !== '') yield chunk;
}

async function* startingWith(
  first: string,
  others: AsyncGenerator<string, void, void>,
): AsyncGenerator<string, void, void> {
  yield first;
  yield* others;
}

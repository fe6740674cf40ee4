import { Dicer } from '@fastify/busboy';

const MAX_HEADER_PAIRS = 100;
/** Room for a file name of 64 KiB, of which the first 255 units are kept. */
const MAX_HEADER_BYTES = 80 * 1024;

/**
 * Splits a multipart body into its parts. Blanks after a boundary are skipped, as RFC 2046, 5.1.1 demands: some gateways
 * add them, and the parser beneath takes them for the first header.
 */
export class PartSplitter extends Dicer {
  private readonly delimiter: Buffer;
  /** What the last chunk ended with, one byte less than a delimiter: the next may begin in it. */
  private tail: Buffer = Buffer.from('\r\n');
  private isInPadding = false;

  constructor(boundary: string) {
    const config = { boundary, maxHeaderPairs: MAX_HEADER_PAIRS, maxHeaderSize: MAX_HEADER_BYTES };
    super(config);
    this.delimiter = Buffer.from(`\r\n--${boundary}`);
  }

  override _write(chunk: Buffer, encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    const kept = this.withoutPadding(chunk);
    if (kept.length > 0) super._write(kept, encoding, done);
    else done();
  }

  private withoutPadding(chunk: Buffer): Buffer {
    const kept: Buffer[] = [];
    let from = this.isInPadding ? this.endOfBlanks(chunk, 0) : 0;
    for (const end of this.endsOfDelimiters(chunk)) {
      kept.push(chunk.subarray(from, end));
      from = this.endOfBlanks(chunk, end);
    }
    return kept.length === 0 ? chunk.subarray(from) : Buffer.concat([...kept, chunk.subarray(from)]);
  }

  /** The first may have begun in the last chunk. Nothing but that seam is copied: a copy of all costs a quarter of the time. */
  private endsOfDelimiters(chunk: Buffer): number[] {
    const { delimiter, tail } = this;
    const longestTail = delimiter.length - 1;
    const seam = Buffer.concat([tail, chunk.subarray(0, longestTail)]);
    this.tail = (chunk.length < longestTail ? seam : chunk).subarray(-longestTail);
    const across = seam.indexOf(delimiter);
    const ends = across < 0 ? [] : [across + delimiter.length - tail.length];
    for (let at = chunk.indexOf(delimiter, ends[0]); at >= 0; at = chunk.indexOf(delimiter, ends.at(-1))) {
      ends.push(at + delimiter.length);
    }
    return ends;
  }

  /** Where the blanks at `start` end; if the chunk ends first, the next may have more. */
  private endOfBlanks(chunk: Buffer, start: number): number {
    let end = start;
    while (chunk[end] === 0x20 || chunk[end] === 0x09) end += 1;
    this.isInPadding = end === chunk.length;
    return end;
  }
}

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
  private tail = Buffer.from('\r\n');
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
    const { delimiter } = this;
    const window = Buffer.concat([this.tail, chunk]);
    let from = this.isInPadding ? this.endOfBlanks(chunk, 0) : 0;
    for (let at = window.indexOf(delimiter); at >= 0; at = window.indexOf(delimiter, at + delimiter.length)) {
      const end = at + delimiter.length - this.tail.length;
      kept.push(chunk.subarray(from, end));
      from = this.endOfBlanks(chunk, end);
    }
    this.tail = window.subarray(Math.max(0, window.length - delimiter.length + 1));
    return kept.length === 0 ? chunk.subarray(from) : Buffer.concat([...kept, chunk.subarray(from)]);
  }

  /** Where the blanks at `start` end; if the chunk ends first, the next may have more. */
  private endOfBlanks(chunk: Buffer, start: number): number {
    let end = start;
    while (chunk[end] === 0x20 || chunk[end] === 0x09) end += 1;
    this.isInPadding = end === chunk.length;
    return end;
  }
}

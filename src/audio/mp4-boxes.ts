import type { Readable } from 'node:stream';

const LARGE = 1;
const HEADER_BYTES = 8;
const LARGE_HEADER_BYTES = 16;

/** The bytes of an MP4 that its complete boxes take: a recording that was cut off ends within one. */
export async function bytesOfWholeBoxes(file: Readable): Promise<number> {
  let whole = 0;
  let next = 0;
  let seen = 0;
  let header: Buffer = Buffer.alloc(0);
  for await (const chunk of file as AsyncIterable<Buffer>) {
    const end = seen + chunk.length;
    while (next < end) {
      const wanted = header.length < HEADER_BYTES ? HEADER_BYTES : LARGE_HEADER_BYTES;
      const from = next + header.length - seen;
      header = Buffer.concat([header, chunk.subarray(from, from + wanted - header.length)]);
      if (header.length < wanted) break;
      const size = sizeOf(header);
      if (size === null) continue;
      if (size < header.length) return whole;
      next += size;
      header = Buffer.alloc(0);
      if (next > end) break;
      whole = next;
    }
    seen = end;
    if (next <= seen && header.length === 0) whole = next;
  }
  return whole;
}

/** `null` while the header of a large box is not complete. */
function sizeOf(header: Buffer): number | null {
  const size = header.readUInt32BE(0);
  if (size !== LARGE) return size;
  return header.length < LARGE_HEADER_BYTES ? null : Number(header.readBigUInt64BE(8));
}

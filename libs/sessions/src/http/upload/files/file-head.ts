import type { Readable } from 'node:stream';

/** Magic numbers are looked for in so many bytes, as `file-type` and Nest's `FileTypeValidator` do. */
export const HEAD_BYTES = 4100;

/** Keeps the first 4,100 bytes of a file that streams by. */
export class FileHead {
  private readonly pieces: Buffer[] = [];
  private missing = HEAD_BYTES;

  add(chunk: Buffer): void {
    if (this.missing === 0) return;
    // A copy: a slice would keep the whole chunk in memory.
    const piece = Buffer.from(chunk.subarray(0, this.missing));
    this.pieces.push(piece);
    this.missing -= piece.length;
  }

  get bytes(): Buffer {
    return Buffer.concat(this.pieces);
  }
}

/** The first `bytes` of a stream, or all if it has fewer. They stay in the stream. */
export function peek(stream: Readable, bytes: number): Promise<Buffer> {
  return new Promise((resolve, reject) => {
    const leave = (): void => {
      stream.off('readable', attempt).off('end', attempt).off('close', attempt).off('error', fail);
    };
    const attempt = (): void => {
      // `null` until so many bytes are there, or the stream has ended.
      const head = stream.read(bytes) as Buffer | null;
      if (head === null && !stream.readableEnded && !stream.destroyed) return;
      leave();
      if (head !== null) stream.unshift(head);
      resolve(head ?? Buffer.alloc(0));
    };
    const fail = (error: Error): void => {
      leave();
      reject(error);
    };
    stream.on('readable', attempt).on('end', attempt).on('close', attempt).on('error', fail);
    attempt();
  });
}

/** The media type that the first bytes of a file tell; `null` if they have no known signature. */
export async function mediaTypeOf(head: Buffer): Promise<string | null> {
  // Loaded with the first file that needs it: most applications declare no `contents`.
  const { fileTypeFromBuffer } = await import('file-type');
  // A crafted head may make its parser fail: then it has no known signature.
  const found = await fileTypeFromBuffer(head).catch(() => undefined);
  return found?.mime ?? null;
}

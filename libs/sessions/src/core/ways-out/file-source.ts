import { Transform, type TransformCallback } from 'node:stream';

/** Passes on the bytes of a file that is read, until it is suspended. */
export class FileSource extends Transform {
  private isSuspended = false;
  private passedBytes = 0;

  /** @internal */
  constructor(private readonly noteActivity: () => void) {
    super();
  }

  /** Bytes that its reader has taken. */
  get takenBytes(): number {
    return this.passedBytes - this.readableLength;
  }

  /** Passes on nothing more, not even what is buffered. */
  suspend(): void {
    this.isSuspended = true;
  }

  override read(size?: number): unknown {
    return this.isSuspended ? null : super.read(size);
  }

  /** What comes later waits for ever: a suspended source is destroyed soon. */
  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    if (this.isSuspended) return;
    this.noteActivity();
    this.passedBytes += chunk.length;
    done(null, chunk);
  }
}

import { Writable } from 'node:stream';
import { SessionsError } from '../../domain/errors.js';
import type { ResourceRecord } from '../../domain/resource.js';
import type { FileWriter } from '../../ports/storage/file-storage.js';
import { stalledFile } from './refused.js';
import type { StallNote } from './stall-note.js';

/** The resource that a sink writes. */
export interface FileSinkTarget {
  readonly writer: FileWriter;
  /** Reserves at least `neededBytes` beyond `reservedBytes`; answers how many it added. */
  grow(reservedBytes: number, neededBytes: number): Promise<number>;
  /** All bytes are there. */
  complete(sizeBytes: number): Promise<ResourceRecord>;
  readonly stall: StallNote;
  /** Deletes the file and releases the reservation. Never rejects. */
  abandon(): Promise<void>;
  /** Why the file is gone that stalled. */
  whyReleased(): Promise<unknown>;
  /** The error to fail with. */
  whyFailed(error: unknown): Promise<unknown>;
  /** Touches the session: bytes were transferred. */
  noteActivity(): void;
  /** Monotonic milliseconds. */
  now(): number;
}

/**
 * Writes one file of a session. Write or pipe into it; when it has finished, the file is durable and has its place in the
 * session. If it fails or is destroyed before that, nothing of the file stays, and nothing was evicted for it.
 */
export class FileSink extends Writable {
  private writtenBytes = 0;
  private finished: ResourceRecord | null = null;
  /** @internal Since when it waits for bytes, in monotonic milliseconds; `null` while it writes some. */
  waitsSince: number | null;
  private isSuspended = false;

  /** @internal */
  constructor(
    /** The id of the resource that it writes. */
    readonly resourceId: string,
    private reservedBytes: number,
    private readonly target: FileSinkTarget,
  ) {
    super({ highWaterMark: 256 * 1024 });
    this.waitsSince = target.now();
  }

  /** @throws SessionsError `RESOURCE_GONE` until the stream has finished */
  get resource(): ResourceRecord {
    if (this.finished) return this.finished;
    throw new SessionsError(
      'RESOURCE_GONE',
      'The sink has no resource: it is still writing, or it failed. Read `resource` after the event `finish`.',
    );
  }

  /** @internal Writes nothing more, and waits until it is destroyed. */
  suspend(): void {
    this.isSuspended = true;
  }

  /**
   * @internal Notes in the store since when it receives nothing; fails the sink if its file was released for another one. Rejects
   * if the store does not answer.
   */
  async noteStall(since: number): Promise<void> {
    if ((await this.target.stall.begin(since)) && !this.destroyed) this.destroy(stalledFile());
  }

  override _write(chunk: Buffer, _encoding: BufferEncoding, done: (error?: Error | null) => void): void {
    this.told(this.append([chunk])).then(() => done(), done);
  }

  /** Chunks that arrived during the last write make one write. */
  override _writev(
    waiting: readonly { readonly chunk: Buffer }[],
    done: (error?: Error | null) => void,
  ): void {
    this.told(this.append(waiting.map(({ chunk }) => chunk))).then(() => done(), done);
  }

  override _final(done: (error?: Error | null) => void): void {
    this.told(this.finish()).then(() => done(), done);
  }

  override _destroy(error: Error | null, done: (error?: Error | null) => void): void {
    if (this.finished) return done(error);
    void this.target.abandon().then(() => done(error));
  }

  private async told(step: Promise<void>): Promise<void> {
    try {
      await step;
    } catch (error) {
      throw await this.target.whyFailed(error);
    }
  }

  private async append(chunks: readonly Buffer[]): Promise<void> {
    this.waitsSince = null;
    await this.requireOpen();
    this.target.noteActivity();
    await this.endStall();
    const bytes = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    const neededBytes = this.writtenBytes + bytes - this.reservedBytes;
    if (neededBytes > 0) this.reservedBytes += await this.target.grow(this.reservedBytes, neededBytes);
    await this.requireOpen();
    await this.target.writer.write(chunks);
    this.writtenBytes += bytes;
    this.waitsSince = this.target.now();
  }

  private async finish(): Promise<void> {
    this.waitsSince = null;
    await this.requireOpen();
    await this.endStall();
    const sizeBytes = await this.target.writer.finish();
    await this.requireOpen();
    this.finished = await this.target.complete(sizeBytes);
  }

  private async endStall(): Promise<void> {
    if (!(await this.target.stall.end())) throw await this.target.whyReleased();
  }

  /** After a wait: the sink may have been suspended or destroyed meanwhile. */
  private async requireOpen(): Promise<void> {
    if (this.isSuspended && !this.destroyed) await new Promise((resolve) => this.once('close', resolve));
    if (this.destroyed) throw this.errored ?? new SessionsError('UPLOAD_ABORTED', 'The sink was destroyed.');
  }
}

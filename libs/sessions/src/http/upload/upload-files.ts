import { addAbortSignal, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FileBatch } from '../../core/resources/file-batch.js';
import type { FileSink } from '../../core/resources/file-sink.js';
import type { SessionService } from '../../core/sessions/session.service.js';
import { invalidUpload, tooLargeUpload, unsupportedUpload } from './upload-error.js';
import { requireName } from './upload-fields.js';
import { acceptsMediaType, type UploadPlan } from './upload-options.js';

/** One file of a multipart body, as its part declares it. */
export interface FilePart {
  readonly contents: Readable;
  /** The field of the form. */
  readonly name: string | undefined;
  readonly fileName: string | undefined;
  readonly mediaType: string;
}

/** Streams the files of one request to storage, one after another. */
export class UploadFiles {
  private readonly stop = new AbortController();
  private readonly saves: Promise<void>[] = [];
  private pending = 0;
  private admitted = 0;
  private totalBytes = 0;

  constructor(
    private readonly service: SessionService,
    private readonly sessionId: string,
    private readonly batch: FileBatch,
    private readonly plan: UploadPlan,
  ) {}

  /** Whether a file is being saved. */
  get isBusy(): boolean {
    return this.pending > 0;
  }

  /**
   * Resolves when the file is saved; rejects with the error that prevented it. An empty file input of a browser is no
   * file: neither a file name nor bytes. It is skipped, whatever its field.
   * @throws SessionsError `UPLOAD_INVALID` if the route takes no such file, or no further one
   */
  add(part: FilePart): Promise<void> {
    if (part.fileName) this.admit(part);
    this.pending += 1;
    const saved = this.settled()
      .then(() => this.save(part))
      .finally(() => (this.pending -= 1));
    this.saves.push(saved);
    return saved;
  }

  /** Resolves when all files are saved; rejects with the error that prevented one. */
  async complete(): Promise<void> {
    await Promise.all(this.saves);
  }

  /** Aborts the current file; resolves when nothing of the request is left. */
  async abort(): Promise<void> {
    this.stop.abort();
    await this.settled();
    await this.batch.abandon();
  }

  private async settled(): Promise<void> {
    await Promise.allSettled(this.saves);
  }

  private admit({ name }: FilePart): void {
    const { field, maxFiles } = this.plan;
    if (requireName(name) !== field)
      throw invalidUpload(`This route accepts files in the field ${field} only.`);
    this.admitted += 1;
    if (this.admitted > maxFiles) throw invalidUpload(`This route accepts at most ${maxFiles} file(s).`);
  }

  private async save(part: FilePart): Promise<void> {
    const { contents, fileName, mediaType } = part;
    const { signal } = this.stop;
    signal.throwIfAborted();
    addAbortSignal(signal, contents);
    if (!fileName) {
      if (await isEmpty(contents)) return;
      this.admit(part);
    }
    const sink = await this.openSink(fileName, mediaType);
    // A file that waits for its client must notice the end of its session.
    sink.once('close', () => contents.destroy());
    try {
      if (signal.aborted) sink.destroy();
      this.meter(contents);
      await pipeline(contents, sink, { signal });
    } finally {
      if (!sink.closed) await new Promise((resolve) => sink.once('close', resolve));
    }
  }

  private openSink(fileName: string | undefined, mediaType: string): Promise<FileSink> {
    if (!acceptsMediaType(this.plan, mediaType)) {
      throw unsupportedUpload('This route does not accept files of this media type.');
    }
    const { type, purpose } = this.plan;
    return this.batch.createFile({
      type,
      mediaType,
      ...(fileName ? { fileName } : {}),
      ...(purpose === undefined ? {} : { purpose }),
    });
  }

  /** Aborts a file that becomes too large. */
  private meter(contents: Readable): void {
    let fileBytes = 0;
    contents.on('data', (chunk: Buffer) => {
      fileBytes += chunk.length;
      this.totalBytes += chunk.length;
      const { maxFileBytes, maxTotalBytes } = this.plan;
      if (fileBytes > maxFileBytes || this.totalBytes > maxTotalBytes)
        contents.destroy(
          this.tooLarge(Math.max(fileBytes, this.totalBytes), Math.min(maxFileBytes, maxTotalBytes)),
        );
    });
  }

  /** The error of an upload of so many bytes, or more. */
  tooLarge(sizeBytes: number, limitBytes: number): Error {
    const { sessionId } = this;
    const refusal = { sessionId, reason: 'too_large', sizeBytes, limitBytes, network: null } as const;
    this.service.events.emit('resource.refused', refusal);
    return tooLargeUpload(limitBytes);
  }
}

async function isEmpty(contents: Readable): Promise<boolean> {
  await new Promise<unknown>((resolve, reject) => {
    contents.once('readable', resolve).once('end', resolve).once('close', resolve).once('error', reject);
  });
  const first: unknown = contents.read();
  if (first === null) return true;
  contents.unshift(first);
  return false;
}

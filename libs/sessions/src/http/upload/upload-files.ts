import { finished, pipeline } from 'node:stream/promises';
import { addAbortSignal, type Readable } from 'node:stream';
import { Logger } from '@nestjs/common';
import type { FileSink } from '../../core/resources/file-sink.js';
import { describeError } from '../../core/watch/log.js';
import type { SessionService } from '../../core/sessions/session.service.js';
import type { SessionRef } from '../../core/handles/session.js';
import type { ResourceRecord } from '../../domain/resource.js';
import { tooLargeUpload, unsupportedUpload } from './upload-error.js';
import { acceptsMediaType, type UploadPlan } from './upload-options.js';

/** One file of a multipart body, as its part declares it. */
export interface FilePart {
  readonly contents: Readable;
  readonly fileName: string | undefined;
  readonly mediaType: string;
}

/** Streams the files of one request to storage, one after another. All of them become resources, or none does. */
export class UploadFiles {
  private readonly logger = new Logger('SessionUploads');
  private readonly stop = new AbortController();
  private readonly saved: ResourceRecord[] = [];
  /** Open reads of the saved files: a resource in use is not evicted for the request's next file. */
  private readonly uses: Readable[] = [];
  private readonly saves: Promise<void>[] = [];
  private pending = 0;
  private totalBytes = 0;

  constructor(
    private readonly service: SessionService,
    private readonly session: SessionRef,
    private readonly plan: UploadPlan,
  ) {}

  /** Whether a file is being saved. */
  get isBusy(): boolean {
    return this.pending > 0;
  }

  /** Resolves when the file is saved; rejects with the error that prevented it. */
  add(part: FilePart): Promise<void> {
    this.pending += 1;
    const saved = this.settled()
      .then(() => this.save(part))
      .finally(() => (this.pending -= 1));
    this.saves.push(saved);
    return saved;
  }

  /** The resources, in the order of their parts, when all are saved; rejects with the error that prevented one. */
  async complete(): Promise<readonly ResourceRecord[]> {
    await Promise.all(this.saves);
    await this.endUses();
    return this.saved;
  }

  /** Aborts the current file and releases the saved ones; resolves when nothing of the request is left. */
  async abort(): Promise<void> {
    this.stop.abort();
    await this.settled();
    await this.endUses();
    await this.release();
  }

  /** Releases the saved files. Never rejects: the next cleanup retries a failed deletion. */
  async release(): Promise<void> {
    const outcomes = await Promise.allSettled(this.saved.map((resource) => this.service.release(resource)));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') {
        const reason = describeError(outcome.reason);
        this.logger.warn(`Releasing a file of a failed upload failed, the next cleanup retries: ${reason}`);
      }
    }
  }

  private async settled(): Promise<void> {
    await Promise.allSettled(this.saves);
  }

  private async save({ contents, fileName, mediaType }: FilePart): Promise<void> {
    const { signal } = this.stop;
    signal.throwIfAborted();
    addAbortSignal(signal, contents);
    // Browsers send an empty file input as a file without a name and without bytes.
    if (!fileName && (await isEmpty(contents))) return;
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
    this.saved.push(sink.resource);
    if (this.plan.maxFiles > 1) await this.use(sink.resource);
  }

  private openSink(fileName: string | undefined, mediaType: string): Promise<FileSink> {
    if (!acceptsMediaType(this.plan, mediaType)) {
      throw unsupportedUpload('This route does not accept files of this media type.');
    }
    const { type, purpose } = this.plan;
    return this.service.createFile(this.session, {
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
      if (fileBytes > maxFileBytes || this.totalBytes > maxTotalBytes) contents.destroy(this.tooLarge());
    });
  }

  private tooLarge(): Error {
    const { maxFileBytes, maxTotalBytes } = this.plan;
    this.service.events.emit('resource.refused', { sessionId: this.session.id, reason: 'too_large' });
    return tooLargeUpload(Math.min(maxFileBytes, maxTotalBytes));
  }

  private async use(resource: ResourceRecord): Promise<void> {
    const { stream } = await this.service.openResource(resource);
    stream.on('error', () => undefined);
    this.uses.push(stream);
  }

  private async endUses(): Promise<void> {
    const closed = this.uses.splice(0).map((stream) => finished(stream.destroy()).catch(() => undefined));
    await Promise.all(closed);
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

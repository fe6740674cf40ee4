import { finished, pipeline } from 'node:stream/promises';
import { addAbortSignal, type Readable } from 'node:stream';
import { Logger } from '@nestjs/common';
import type { FileSink } from '../../core/resources/file-sink.js';
import { describeError } from '../../core/watch/log.js';
import type { SessionService } from '../../core/sessions/session.service.js';
import type { SessionRef } from '../../core/handles/session.js';
import type { ResourceRecord } from '../../domain/resource.js';
import { tooLargeUpload, unsupportedUpload } from './upload-error.js';
import { takesMediaType, type UploadPlan } from './upload-options.js';

/** One file of a multipart body, as its part declares it. */
export interface FilePart {
  readonly contents: Readable;
  readonly fileName: string | undefined;
  readonly mediaType: string;
}

/** Streams the files of one request to storage, one after the other. All of them become resources, or none does. */
export class UploadFiles {
  private readonly logger = new Logger('SessionUploads');
  private readonly stop = new AbortController();
  private readonly saved: ResourceRecord[] = [];
  /** Keeps those that are in from being evicted for those that follow. */
  private readonly holds: Readable[] = [];
  private readonly savings: Promise<void>[] = [];
  private pending = 0;
  private totalBytes = 0;

  constructor(
    private readonly service: SessionService,
    private readonly session: SessionRef,
    private readonly plan: UploadPlan,
  ) {}

  /** Whether a file is on its way to storage. */
  get isBusy(): boolean {
    return this.pending > 0;
  }

  /** Resolves when the file is in; rejects with what kept it from getting there. */
  add(part: FilePart): Promise<void> {
    this.pending += 1;
    const turn = this.settled();
    const saving = turn.then(() => this.save(part)).finally(() => (this.pending -= 1));
    this.savings.push(saving);
    return saving;
  }

  /** The resources, in the order of their parts, when all are in; rejects with what kept one from getting there. */
  async complete(): Promise<readonly ResourceRecord[]> {
    await Promise.all(this.savings);
    await this.dropHolds();
    return this.saved;
  }

  /** Cuts off what is under way, and lets go what is in; resolves when nothing of the request is left. */
  async giveUp(): Promise<void> {
    this.stop.abort();
    await this.settled();
    await this.dropHolds();
    await this.release();
  }

  /** Lets go what is in. Never rejects: what cannot be deleted now is deleted by a cleanup. */
  async release(): Promise<void> {
    const outcomes = await Promise.allSettled(this.saved.map((resource) => this.service.release(resource)));
    for (const outcome of outcomes) {
      if (outcome.status === 'rejected') {
        this.logger.warn(`A file of a failed upload waits for a cleanup: ${describeError(outcome.reason)}`);
      }
    }
  }

  private async settled(): Promise<void> {
    await Promise.allSettled(this.savings);
  }

  private async save({ contents, fileName, mediaType }: FilePart): Promise<void> {
    const { signal } = this.stop;
    signal.throwIfAborted();
    addAbortSignal(signal, contents);
    // A file input that was left empty comes as a file without a name and without a byte.
    if (!fileName && (await isEmpty(contents))) return;
    const sink = await this.openSink(fileName, mediaType);
    // Else one that waits for its client would not hear that its session ended.
    sink.once('close', () => contents.destroy());
    try {
      if (signal.aborted) sink.destroy();
      this.meter(contents);
      await pipeline(contents, sink, { signal });
    } finally {
      if (!sink.closed) await new Promise((resolve) => sink.once('close', resolve));
    }
    this.saved.push(sink.resource);
    if (this.plan.maxFiles > 1) await this.hold(sink.resource);
  }

  private openSink(fileName: string | undefined, mediaType: string): Promise<FileSink> {
    if (!takesMediaType(this.plan, mediaType)) {
      throw unsupportedUpload('Files of this media type are not taken here.');
    }
    const { type, purpose } = this.plan;
    return this.service.createFile(this.session, {
      type,
      mediaType,
      ...(fileName ? { fileName } : {}),
      ...(purpose === undefined ? {} : { purpose }),
    });
  }

  /** Breaks a file off that becomes too large. */
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

  private async hold(resource: ResourceRecord): Promise<void> {
    const { stream } = await this.service.openResource(resource);
    stream.on('error', () => undefined);
    this.holds.push(stream);
  }

  private async dropHolds(): Promise<void> {
    const closed = this.holds.splice(0).map((stream) => finished(stream.destroy()).catch(() => undefined));
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

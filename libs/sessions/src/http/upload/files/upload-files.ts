import { addAbortSignal, type Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import type { FileBatch } from '../../../core/resources/file-batch.js';
import type { FileSink } from '../../../core/resources/file-sink.js';
import type { SessionService } from '../../../core/sessions/session.service.js';
import { outcomeOf, type Transfer } from '../../../core/watch/transfer.js';
import { requireName } from './field-name.js';
import { FileHead, HEAD_BYTES, mediaTypeOf, peek } from './file-head.js';
import { asReceived } from './received-file.js';
import {
  tooLargeUpload,
  tooManyFiles,
  unacceptedContents,
  unacceptedType,
  unexpectedField,
} from './upload-error.js';
import { isAccepted, type FieldPlan, type UploadPlan } from './upload-plan.js';
import type { UploadProgress } from './upload-progress.js';

/** One file of a body, as its client declares it. */
export interface FilePart {
  readonly contents: Readable;
  /** The field of the form; empty for a raw body. */
  readonly name: string | undefined;
  readonly fileName: string | undefined;
  readonly mediaType: string;
}

/** Streams the files of one request to storage, one after another. */
export class UploadFiles {
  private readonly stop = new AbortController();
  private readonly saves: Promise<void>[] = [];
  /** By the ids of their resources. */
  private readonly transfers = new Map<string, Transfer>();
  /** How many files each field has. */
  private readonly admitted = new Map<FieldPlan, number>();
  private pending = 0;
  private totalBytes = 0;
  private isTooLarge = false;

  constructor(
    private readonly service: SessionService,
    private readonly sessionId: string,
    private readonly batch: FileBatch,
    private readonly plan: UploadPlan,
    private readonly progress: UploadProgress,
  ) {}

  /** Whether a file is being saved. */
  get isBusy(): boolean {
    return this.pending > 0;
  }

  /** The required fields that have no file. */
  get missing(): FieldPlan[] {
    return [...this.plan.fields.values()].filter((field) => field.required && !this.admitted.has(field));
  }

  /**
   * Resolves when the file is saved; rejects with the error that prevented it. An empty file input of a browser is no
   * file: neither a file name nor bytes. It is skipped, whatever its field.
   * @throws SessionsError `UPLOAD_INVALID` if the route takes no such file, or no further one
   */
  add(part: FilePart): Promise<void> {
    const field = part.fileName ? this.admit(part) : null;
    this.pending += 1;
    const saved = this.settled()
      .then(() => this.save(part, field))
      .finally(() => (this.pending -= 1));
    this.saves.push(saved);
    return saved;
  }

  /** Resolves when all files are saved; rejects with the error that prevented one. */
  async complete(): Promise<void> {
    await Promise.all(this.saves);
  }

  /** Aborts the current file for this error; resolves when nothing of the request is left. */
  async abort(cause: unknown): Promise<void> {
    this.stop.abort();
    for (const [resourceId, transfer] of this.transfers) transfer.end(resourceId, outcomeOf(cause));
    await this.settled();
    await this.batch.abandon();
  }

  private async settled(): Promise<void> {
    await Promise.allSettled(this.saves);
  }

  private admit({ name }: FilePart): FieldPlan {
    const { fields } = this.plan;
    const field = fields.get(name ?? '');
    if (!field) throw unexpectedField(requireName(name), fields.keys());
    const count = (this.admitted.get(field) ?? 0) + 1;
    if (count > field.maxFiles) throw tooManyFiles(field);
    this.admitted.set(field, count);
    return field;
  }

  private async save(part: FilePart, admitted: FieldPlan | null): Promise<void> {
    const { contents } = part;
    const { signal } = this.stop;
    signal.throwIfAborted();
    addAbortSignal(signal, contents);
    if (!admitted && (await peek(contents, 1)).length === 0) return;
    const field = admitted ?? this.admit(part);
    await this.requireAccepted(field, part);
    const sink = await this.openSink(field, part);
    const transfer = this.progress.begin(sink.resourceId);
    this.transfers.set(sink.resourceId, transfer);
    // A file that waits for its client must notice the end of its session.
    sink.once('close', () => contents.destroy());
    const head = new FileHead();
    try {
      if (signal.aborted) sink.destroy();
      this.meter(contents, field, head, transfer);
      await pipeline(contents, sink, { signal });
    } finally {
      if (!sink.closed) await new Promise((resolve) => sink.once('close', resolve));
    }
    asReceived(sink.resource, field.name, head.bytes);
    transfer.end(sink.resourceId, 'complete');
  }

  private async requireAccepted(field: FieldPlan, { contents, mediaType }: FilePart): Promise<void> {
    if (field.mediaTypes && !isAccepted(mediaType, field.mediaTypes))
      throw unacceptedType(field, field.mediaTypes, mediaType);
    if (!field.contents) return;
    const found = await mediaTypeOf(await peek(contents, HEAD_BYTES));
    if (found === null || !isAccepted(found, field.contents))
      throw unacceptedContents(field, field.contents, found);
  }

  private openSink(field: FieldPlan, { fileName, mediaType }: FilePart): Promise<FileSink> {
    const name = fileName || field.fileName;
    return this.batch.createFile({
      type: field.type,
      mediaType,
      ...(name ? { fileName: name } : {}),
      ...(field.purpose === undefined ? {} : { purpose: field.purpose }),
    });
  }

  /** Keeps the head of a file that streams by; aborts one that becomes too large. */
  private meter(contents: Readable, { maxFileBytes }: FieldPlan, head: FileHead, transfer: Transfer): void {
    const { maxTotalBytes } = this.plan;
    let fileBytes = 0;
    contents.on('data', (chunk: Buffer) => {
      head.add(chunk);
      fileBytes += chunk.length;
      transfer.bytes = fileBytes;
      this.totalBytes += chunk.length;
      if (fileBytes > maxFileBytes) contents.destroy(this.tooLarge(fileBytes, maxFileBytes));
      else if (this.totalBytes > maxTotalBytes)
        contents.destroy(this.tooLarge(this.totalBytes, maxTotalBytes));
    });
  }

  /** The error of an upload of so many bytes, or more. */
  tooLarge(sizeBytes: number, limitBytes: number): Error {
    const { sessionId } = this;
    const refusal = { sessionId, reason: 'too_large', sizeBytes, limitBytes, network: null } as const;
    // Bytes that were buffered still arrive when the upload is refused.
    if (!this.isTooLarge) this.service.events.emit('resource.refused', refusal);
    this.isTooLarge = true;
    return tooLargeUpload(limitBytes);
  }
}

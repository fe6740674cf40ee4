import type { IncomingMessage } from 'node:http';
import type { Readable, Writable } from 'node:stream';
import { liftBodyDeadline } from './body-deadline.js';
import { decodeText, partHeadOf, type PartHead } from './part-head.js';
import { PartSplitter } from './part-splitter.js';
import { abortedUpload, invalidUpload } from './upload-error.js';
import { FIELD_LIMITS, UploadFields, type FieldValues } from './upload-fields.js';
import type { UploadFiles } from './upload-files.js';
import type { UploadPlan } from './upload-options.js';
import { UploadPace } from './upload-pace.js';

const MAX_PARTS = 60;
const PACE_CHECK_MS = 1000;

type Fail = (error: unknown) => void;

/** Reads one multipart body: collects its text fields and passes its files on as they stream in. */
export class UploadReader {
  private readonly fields = new UploadFields();
  private readonly texts: Promise<void>[] = [];
  private parts = 0;
  /** Whether a part has begun whose headers are not complete. */
  private isInHead = false;
  private receivedBytes = 0;

  constructor(
    private readonly request: IncomingMessage,
    private readonly boundary: string,
    private readonly plan: UploadPlan,
    private readonly files: UploadFiles,
  ) {}

  /**
   * Resolves with the text fields when the whole body is read. After a rejection the rest of the request is unread, and
   * files may still be being saved: abort them.
   * @throws SessionsError `UPLOAD_INVALID`, `UPLOAD_ABORTED`, `RESOURCE_TOO_LARGE`, and what saving a file throws
   */
  async read(): Promise<FieldValues> {
    const { request } = this;
    if (request.readableEnded) throw invalidUpload('Another body parser has already read the request body.');
    if (request.destroyed) throw abortedUpload('The client disconnected during the upload.');
    liftBodyDeadline(request);
    const parser = new PartSplitter(this.boundary);
    let leave: (() => void) | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        let failed = false;
        const fail: Fail = (error) => {
          failed = true;
          request.unpipe(parser);
          reject(error);
        };
        this.listenTo(parser, fail, () => failed);
        leave = this.watch(parser, fail);
        request.pipe(parser);
        parser.once('finish', () => {
          if (this.isInHead) return fail(malformed());
          if (request.readableEnded) return resolve();
          // The parser has finished with the closing boundary, and left the request; the client may still break off.
          request.once('end', resolve).resume();
        });
      });
    } finally {
      leave?.();
    }
    await Promise.all(this.texts);
    return this.fields.values;
  }

  /** After a failure the parser may still emit events: for the rest of the same chunk, or for the end. */
  private listenTo(parser: PartSplitter, fail: Fail, hasFailed: () => boolean): void {
    parser.on('error', (cause) => fail(malformed(cause)));
    parser.on('part', (part) => {
      // The parser, or the code that saves the file, reports this error.
      part.on('error', () => undefined);
      try {
        if (!hasFailed()) this.begin(part, fail);
      } catch (error) {
        fail(error);
      }
      if (hasFailed()) part.resume();
    });
  }

  private begin(part: Readable, fail: Fail): void {
    // A part without the end of its headers announces none.
    if (this.isInHead) throw malformed();
    this.isInHead = true;
    this.parts += 1;
    if (this.parts > MAX_PARTS) throw invalidUpload(`The body has more than ${MAX_PARTS} parts.`);
    part.once('header', (headers: Record<string, string[]>) => {
      this.isInHead = false;
      try {
        this.receive(part, partHeadOf(headers), fail);
      } catch (error) {
        fail(error);
        part.resume();
      }
    });
  }

  private receive(part: Readable, head: PartHead, fail: Fail): void {
    if (this.isFile(head)) this.files.add({ contents: part, ...head }).catch(fail);
    else this.texts.push(this.collect(part, head, fail));
  }

  /** Some clients send files without a file name, but then with a media type other than text. */
  private isFile({ name, fileName, mediaType }: PartHead): boolean {
    if (fileName !== undefined || mediaType === 'application/octet-stream') return true;
    return name === this.plan.field && mediaType !== 'text/plain';
  }

  /** Resolves when the field has its text. */
  private collect(part: Readable, { name, charset }: PartHead, fail: Fail): Promise<void> {
    const key = this.fields.reserve(name);
    const chunks: Buffer[] = [];
    let bytes = 0;
    part.on('data', (chunk: Buffer) => {
      bytes += chunk.length;
      if (bytes <= FIELD_LIMITS.fieldBytes) chunks.push(chunk);
      else fail(invalidUpload(`A text field exceeds ${FIELD_LIMITS.fieldBytes} bytes.`));
    });
    return new Promise((resolve) => {
      part.once('end', () => {
        this.fields.add(key, decodeText(Buffer.concat(chunks), charset));
        resolve();
      });
    });
  }

  /** Fails the upload when the client stalls, disconnects or sends too much. Returns a function that stops this. */
  private watch(parser: Writable, fail: Fail): () => void {
    const { request, plan, files } = this;
    const isServerBusy = (): boolean => request.isPaused() || (request.readableEnded && files.isBusy);
    const timer = setTimeout(() => {
      if (isServerBusy()) timer.refresh();
      else if (request.readableEnded) fail(malformed());
      else
        fail(
          abortedUpload(`The client sent nothing for ${plan.idleMs / 1000} s (option uploadIdleSeconds).`),
        );
    }, plan.idleMs);
    const pace = new UploadPace(plan.minBytesPerSecond);
    const pacing = setInterval(() => {
      if (pace.isTooSlow(this.receivedBytes, isServerBusy()))
        fail(
          abortedUpload(
            `The client sent fewer than ${plan.minBytesPerSecond} bytes per second (option minUploadRate).`,
          ),
        );
    }, PACE_CHECK_MS);
    const onData = (chunk: Buffer): void => {
      timer.refresh();
      this.receivedBytes += chunk.length;
      if (this.receivedBytes > plan.maxRequestBytes)
        fail(files.tooLarge(this.receivedBytes, plan.maxTotalBytes));
    };
    const onClose = (): void => {
      if (!request.readableEnded) fail(abortedUpload('The client disconnected during the upload.'));
    };
    request.on('data', onData).on('close', onClose);
    request.on('error', (cause) => fail(abortedUpload('The client disconnected during the upload.', cause)));
    return () => {
      clearTimeout(timer);
      clearInterval(pacing);
      request.off('data', onData).off('close', onClose).unpipe(parser);
    };
  }
}

function malformed(cause?: unknown): Error {
  return invalidUpload('The multipart body is malformed or incomplete.', cause);
}

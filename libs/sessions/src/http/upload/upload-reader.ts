import type { IncomingMessage } from 'node:http';
import type { Writable } from 'node:stream';
import { Busboy, type BusboyInstance } from '@fastify/busboy';
import { liftBodyDeadline } from './body-deadline.js';
import { abortedUpload, invalidUpload, tooLargeUpload } from './upload-error.js';
import { FIELD_LIMITS, requireName, UploadFields, type FieldValues } from './upload-fields.js';
import type { UploadFiles } from './upload-files.js';
import type { UploadPlan } from './upload-options.js';
import { UploadPace } from './upload-pace.js';

const MAX_PARTS = 60;
const MAX_HEADER_PAIRS = 100;
const MAX_HEADER_BYTES = 16 * 1024;
const PACE_CHECK_MS = 1000;

type Fail = (error: unknown) => void;

/** Reads one multipart body: collects its text fields and passes its files on as they stream in. */
export class UploadReader {
  private readonly fields = new UploadFields();
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
    const parser = this.createParser();
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
        parser.once('finish', resolve);
        leave = this.watch(parser, fail);
        request.pipe(parser);
      });
    } finally {
      leave?.();
    }
    return this.fields.values;
  }

  private createParser(): BusboyInstance {
    return new Busboy({
      headers: { 'content-type': `multipart/form-data; boundary="${this.boundary}"` },
      isPartAFile: (name, mediaType, fileName) => this.isFile(name, mediaType, fileName),
      limits: {
        fields: FIELD_LIMITS.fields,
        fieldSize: FIELD_LIMITS.fieldBytes,
        files: this.plan.maxFiles,
        parts: MAX_PARTS,
        headerPairs: MAX_HEADER_PAIRS,
        headerSize: MAX_HEADER_BYTES,
      },
    });
  }

  /** Some clients send files without a file name, but then with a media type other than text. */
  private isFile(name?: string, mediaType?: string, fileName?: string): boolean {
    if (fileName !== undefined || mediaType === 'application/octet-stream') return true;
    return name === this.plan.field && mediaType !== 'text/plain';
  }

  /** After a failure the parser may still emit events: for the rest of the same chunk, or for the end. */
  private listenTo(parser: BusboyInstance, fail: Fail, hasFailed: () => boolean): void {
    parser.on('error', (cause) =>
      fail(invalidUpload('The multipart body is malformed or incomplete.', cause)),
    );
    parser.on('partsLimit', () => fail(invalidUpload(`The body has more than ${MAX_PARTS} parts.`)));
    parser.on('fieldsLimit', () =>
      fail(invalidUpload(`The body has more than ${FIELD_LIMITS.fields} text fields.`)),
    );
    parser.on('filesLimit', () =>
      fail(invalidUpload(`This route accepts at most ${this.plan.maxFiles} file(s).`)),
    );
    parser.on('field', (name: string | undefined, value, _nameTruncated, truncated) => {
      if (hasFailed()) return;
      try {
        this.fields.add(name, value, truncated);
      } catch (error) {
        fail(error);
      }
    });
    parser.on(
      'file',
      (name: string | undefined, contents, fileName: string | undefined, _encoding, mediaType) => {
        // The parser, or the code that saves the file, reports this error.
        contents.on('error', () => undefined);
        try {
          if (!hasFailed() && requireName(name) !== this.plan.field) {
            throw invalidUpload(`This route accepts files in the field ${this.plan.field} only.`);
          }
        } catch (error) {
          fail(error);
        }
        if (hasFailed()) contents.resume();
        else this.files.add({ contents, fileName, mediaType }).catch(fail);
      },
    );
  }

  /** Fails the upload when the client stalls, disconnects or sends too much. Returns a function that stops this. */
  private watch(parser: Writable, fail: Fail): () => void {
    const { request, plan, files } = this;
    const isServerBusy = (): boolean => request.isPaused() || (request.readableEnded && files.isBusy);
    const timer = setTimeout(() => {
      if (isServerBusy()) timer.refresh();
      else if (request.readableEnded) fail(invalidUpload('The multipart body is malformed or incomplete.'));
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
      if (this.receivedBytes > plan.maxRequestBytes) fail(tooLargeUpload(plan.maxTotalBytes));
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

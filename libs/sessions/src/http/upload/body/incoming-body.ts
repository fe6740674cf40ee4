import type { IncomingMessage } from 'node:http';
import type { Writable } from 'node:stream';
import { abortedUpload, invalidUpload } from '../files/upload-error.js';
import type { UploadFiles } from '../files/upload-files.js';
import { maxBodyBytes, type UploadPlan } from '../files/upload-plan.js';
import type { UploadProgress } from '../files/upload-progress.js';
import { liftBodyDeadline } from './body-deadline.js';
import { UploadPace } from './upload-pace.js';

const PACE_CHECK_MS = 1000;

export type Fail = (error: unknown) => void;

/** What the bytes of a body are passed to. */
export interface BodyParser {
  readonly input: Writable;
  /** The error of a body that ended too early; `undefined` if it is whole. Asked when `input` has finished. */
  incomplete?(): Error | undefined;
  /** Begins to listen. After a failure `input` may still emit events: for the rest of the same chunk, or for the end. */
  listen(fail: Fail, hasFailed: () => boolean): void;
}

/** The body of one upload request, as it arrives: it fails if the client stalls, is too slow, disconnects or sends too much. */
export class IncomingBody {
  private receivedBytes = 0;

  constructor(
    private readonly request: IncomingMessage,
    private readonly plan: UploadPlan,
    private readonly files: UploadFiles,
    private readonly progress: UploadProgress,
  ) {}

  /**
   * Resolves when the whole body has been passed on. After a rejection the rest of the request is unread, and files may still
   * be being saved: abort them.
   * @throws SessionsError `UPLOAD_INVALID`, `UPLOAD_ABORTED`, `RESOURCE_TOO_LARGE`, and what saving a file throws
   */
  async passTo(parser: BodyParser): Promise<void> {
    const { request } = this;
    const { input } = parser;
    if (request.readableEnded) {
      throw invalidUpload(
        'Another body parser of the server has already read the request body. If the body is a file, send it as application/octet-stream.',
      );
    }
    if (request.destroyed) throw abortedUpload('The client disconnected during the upload.');
    liftBodyDeadline(request);
    let leave: (() => void) | undefined;
    try {
      await new Promise<void>((resolve, reject) => {
        let failed = false;
        const fail: Fail = (error) => {
          failed = true;
          request.unpipe(input);
          reject(error);
        };
        parser.listen(fail, () => failed);
        leave = this.watch(input, fail);
        request.pipe(input);
        input.once('finish', () => {
          const error = parser.incomplete?.();
          if (error) return fail(error);
          if (request.readableEnded) return resolve();
          // The parser has finished with the closing boundary, and left the request; the client may still break off.
          request.once('end', resolve).resume();
        });
      });
    } finally {
      leave?.();
    }
  }

  /** Fails the upload when the client stalls, disconnects or sends too much. Returns a function that stops this. */
  private watch(input: Writable, fail: Fail): () => void {
    const { request, plan, files } = this;
    const isServerBusy = (): boolean => request.isPaused() || (request.readableEnded && files.isBusy);
    const timer = setTimeout(() => {
      if (isServerBusy()) timer.refresh();
      else if (request.readableEnded) fail(invalidUpload('The body is malformed or incomplete.'));
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
      this.progress.add(chunk.length);
      if (this.receivedBytes > maxBodyBytes(plan))
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
      request.off('data', onData).off('close', onClose).unpipe(input);
    };
  }
}

import type { IncomingHttpHeaders } from 'node:http';
import { PassThrough } from 'node:stream';
import type { UploadFiles } from '../files/upload-files.js';
import type { BodyParser, Fail } from './incoming-body.js';
import { requestHeadOf } from './part-head.js';

/** Passes on a body that is one file. */
export class RawBody implements BodyParser {
  readonly input = new PassThrough();

  constructor(
    private readonly headers: IncomingHttpHeaders,
    private readonly files: UploadFiles,
  ) {}

  listen(fail: Fail): void {
    // The code that saves the file reports this error.
    this.input.on('error', () => undefined);
    this.files.add({ contents: this.input, name: '', ...requestHeadOf(this.headers) }).catch(fail);
  }
}

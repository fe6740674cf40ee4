import type { Readable } from 'node:stream';
import { invalidUpload } from '../files/upload-error.js';
import type { UploadFiles } from '../files/upload-files.js';
import type { UploadPlan } from '../files/upload-plan.js';
import { FIELD_LIMITS, FormFields, type FieldValues } from './form-fields.js';
import type { BodyParser, Fail } from './incoming-body.js';
import { decodeText, partHeadOf, type PartHead } from './part-head.js';
import { PartSplitter } from './part-splitter.js';

/** Parses one multipart body: collects its text fields and passes its files on as they stream in. */
export class MultipartBody implements BodyParser {
  readonly input: PartSplitter;
  private readonly fields = new FormFields();
  private readonly texts: Promise<void>[] = [];
  private parts = 0;
  /** Whether a part has begun whose headers are not complete. */
  private isInHead = false;

  constructor(
    boundary: string,
    private readonly plan: UploadPlan,
    private readonly files: UploadFiles,
  ) {
    this.input = new PartSplitter(boundary);
  }

  /** The text fields, when the whole body has been passed to `input`. */
  async values(): Promise<FieldValues> {
    await Promise.all(this.texts);
    return this.fields.values;
  }

  incomplete(): Error | undefined {
    return this.isInHead ? malformed() : undefined;
  }

  listen(fail: Fail, hasFailed: () => boolean): void {
    this.input.on('error', (cause) => fail(malformed(cause)));
    this.input.on('part', (part) => {
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
    if (this.parts > this.plan.maxParts)
      throw invalidUpload(`The body has more than ${this.plan.maxParts} parts.`);
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
    return this.plan.fields.has(name ?? '') && mediaType !== 'text/plain';
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
}

function malformed(cause?: unknown): Error {
  return invalidUpload('The multipart body is malformed or incomplete.', cause);
}

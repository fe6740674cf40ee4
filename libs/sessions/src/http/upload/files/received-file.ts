import type { ResourceRecord } from '../../../domain/resource.js';

/**
 * A file as the handler of its upload gets it: its record, with the properties of multer's files that Nest's `ParseFilePipe` and
 * its validators read. These are not enumerable: they are no part of the record's JSON.
 */
export interface ReceivedFile extends ResourceRecord {
  /** The field of the form; empty if the request's body is the file. */
  readonly fieldname: string;
  /** `fileName`, or empty. */
  readonly originalname: string;
  /** `mediaType`, or empty. */
  readonly mimetype: string;
  /** `sizeBytes`. */
  readonly size: number;
  /** The first 4,100 bytes, in which magic numbers are looked for; not the whole file. */
  readonly buffer: Buffer;
}

/** Makes the record of a complete file that of a received one. */
export function asReceived(record: ResourceRecord, fieldname: string, head: Buffer): ReceivedFile {
  return Object.defineProperties(record, {
    fieldname: { value: fieldname },
    originalname: { value: record.fileName ?? '' },
    // `FileTypeValidator` with `overrideMimeType` writes it.
    mimetype: { value: record.mediaType ?? '', writable: true },
    size: { value: record.sizeBytes },
    buffer: { value: head },
  }) as ReceivedFile;
}

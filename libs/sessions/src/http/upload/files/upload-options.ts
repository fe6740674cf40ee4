/** Options of the files in one field of a form. */
export interface UploadOptions {
  /** Type of the resources: `file`, `audio_file`, `temp_file`, or one of the option `resourceTypes`. Default: `file`. */
  readonly type?: string;
  /** Purpose of the files; see `FileDescription`. */
  readonly purpose?: string;
  /** Files in one request; more are refused with 400. Default: 1. */
  readonly maxFiles?: number;
  /** Bytes of one file; a larger one is refused with 413 and not kept. Default and maximum: the option `maxBytes`. */
  readonly maxFileBytes?: number;
  /**
   * Media types that the client may declare: `audio/wav`, or `audio/` for all that begin so. Others are refused with
   * 415. A declared type proves nothing about the contents. Default: all.
   */
  readonly mediaTypes?: readonly string[];
  /**
   * Media types that the contents may have, as their first 4,100 bytes tell: `image/png`, or `image/` for all that begin so.
   * Others are refused with 415 before anything is stored, also contents without a known signature, such as text. The
   * resource keeps the media type that the client declared. Default: all.
   */
  readonly contents?: readonly string[];
  /** Whether a request without a file is refused with 400. Default: `true`. */
  readonly required?: boolean;
}

/** Options of a route whose request body is the file itself. */
export interface RawUploadOptions extends Omit<UploadOptions, 'maxFiles'> {
  /** Name of the file if the client sends none in `Content-Disposition`. Default: none. */
  readonly fileName?: string;
}

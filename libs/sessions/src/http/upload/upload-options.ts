import type { SessionsConfig } from '../../core/config/config.js';

/** Bytes of a request beside its files: text fields, names and the framing between parts. */
const ALLOWANCE_BYTES = 1024 * 1024;

/** Options of one upload route. */
export interface UploadOptions {
  /** Type of the resources: `audio_file`, or one of the option `resourceTypes`. Default: `audio_file`. */
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
  /** Whether a request without a file is refused with 400. Default: `true`. */
  readonly required?: boolean;
}

/** The options of an upload route, with defaults and limits applied. */
export interface UploadPlan {
  readonly field: string;
  readonly type: string;
  readonly purpose: string | undefined;
  readonly maxFiles: number;
  readonly maxFileBytes: number;
  /** All files of one request together: they share the limit of the session. */
  readonly maxTotalBytes: number;
  /** The whole body: files, text fields and framing. */
  readonly maxRequestBytes: number;
  readonly mediaTypes: readonly string[] | null;
  readonly required: boolean;
  /** Time without a byte after which an upload is aborted. */
  readonly idleMs: number;
  /** Average rate below which an upload is aborted; 0: no limit. */
  readonly minBytesPerSecond: number;
}

export function planUpload(field: string, options: UploadOptions, config: SessionsConfig): UploadPlan {
  const maxFiles = options.maxFiles ?? 1;
  const maxFileBytes = Math.min(options.maxFileBytes ?? config.limits.maxBytes, config.limits.maxBytes);
  const maxTotalBytes = Math.min(maxFiles * maxFileBytes, config.limits.maxBytes);
  return {
    field,
    type: options.type ?? 'audio_file',
    purpose: options.purpose,
    maxFiles,
    maxFileBytes,
    maxTotalBytes,
    maxRequestBytes: maxTotalBytes + ALLOWANCE_BYTES,
    mediaTypes: options.mediaTypes?.map((type) => type.toLowerCase().replace(/\*$/, '')) ?? null,
    required: options.required ?? true,
    idleMs: config.uploadIdleMs,
    minBytesPerSecond: config.minUploadRate,
  };
}

/** What the files of a body of this length hold at least; 0 if that is not known. */
export function announcedBytes(contentLength: string | undefined): number {
  return Math.max(0, Number(contentLength ?? 0) - ALLOWANCE_BYTES) || 0;
}

export function acceptsMediaType({ mediaTypes }: UploadPlan, mediaType: string): boolean {
  if (!mediaTypes) return true;
  return mediaTypes.some((accepted) =>
    accepted.endsWith('/') ? mediaType.startsWith(accepted) : mediaType === accepted,
  );
}

import type { SessionsConfig } from '../../core/config/config.js';

/** What fields, their names and the framing between parts may take beside the files of one request. */
const ALLOWANCE_BYTES = 1024 * 1024;

/** What an upload route takes. */
export interface UploadOptions {
  /** Type of the resources: `audio_file` unless told, or one of the option `resourceTypes`. */
  readonly type?: string;
  /** What the files are for; see `FileDescription`. */
  readonly purpose?: string;
  /** Files in one request; 1 unless told. More are refused with 400. */
  readonly maxFiles?: number;
  /** Bytes of one file; what a session may hold unless told. Larger files are refused with 413, and nothing of them stays. */
  readonly maxFileBytes?: number;
  /**
   * Media types that the client may declare: `audio/wav` for one, `audio/` for all that begin so. Others are refused
   * with 415. What a client declares proves nothing of the contents.
   */
  readonly mediaTypes?: readonly string[];
  /** Whether a request without a file is refused with 400; it is unless told. */
  readonly required?: boolean;
}

/** An upload route's options, complete. */
export interface UploadPlan {
  readonly field: string;
  readonly type: string;
  readonly purpose: string | undefined;
  readonly maxFiles: number;
  readonly maxFileBytes: number;
  /** All files of one request together: they share what the session may hold. */
  readonly maxTotalBytes: number;
  /** The whole body, with all that is around the files. */
  readonly maxRequestBytes: number;
  readonly mediaTypes: readonly string[] | null;
  readonly required: boolean;
  /** A client that sends nothing for so long has given up. */
  readonly idleMs: number;
  /** One that is slower than this is taken for one; 0: none is. */
  readonly minBytesPerSecond: number;
}

/** What an interceptor for `field` works by. */
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

/** Whether the route takes files that are declared as `mediaType`. */
export function takesMediaType({ mediaTypes }: UploadPlan, mediaType: string): boolean {
  if (!mediaTypes) return true;
  return mediaTypes.some((taken) =>
    taken.endsWith('/') ? mediaType.startsWith(taken) : mediaType === taken,
  );
}

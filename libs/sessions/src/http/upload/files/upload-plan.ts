import type { SessionsConfig } from '../../../core/config/config.js';
import type { UploadDeclaration } from './upload-declaration.js';
import type { RawUploadOptions, UploadOptions } from './upload-options.js';

export const DEFAULT_UPLOAD_TYPE = 'file';

/** Bytes of a form beside its files: text fields, names and the framing between parts. */
const ALLOWANCE_BYTES = 1024 * 1024;
/** Parts of a form beside its files: text fields and empty file inputs. */
const ALLOWANCE_PARTS = 59;

/** The options of one field, with defaults and limits applied. */
export interface FieldPlan {
  /** Empty for a raw body. */
  readonly name: string;
  readonly type: string;
  readonly purpose: string | undefined;
  readonly maxFiles: number;
  readonly maxFileBytes: number;
  readonly mediaTypes: readonly string[] | null;
  readonly contents: readonly string[] | null;
  readonly required: boolean;
  /** Name of a file that comes without one. */
  readonly fileName: string | undefined;
}

/** What an upload route accepts, with defaults and limits applied. */
export interface UploadPlan {
  readonly isRaw: boolean;
  readonly fields: ReadonlyMap<string, FieldPlan>;
  /** All files of one request together: they share the limit of the session. */
  readonly maxTotalBytes: number;
  /** What a body may have beside its files. */
  readonly allowanceBytes: number;
  readonly maxParts: number;
  /** Time without a byte after which an upload is aborted. */
  readonly idleMs: number;
  /** Average rate below which an upload is aborted; 0: no limit. */
  readonly minBytesPerSecond: number;
}

export function planUpload({ isRaw, fields }: UploadDeclaration, config: SessionsConfig): UploadPlan {
  const { maxBytes } = config.limits;
  const plans = Object.entries(fields).map(([name, options]) => planField(name, options, maxBytes));
  const maxFiles = plans.reduce((sum, plan) => sum + plan.maxFiles, 0);
  const wantedBytes = plans.reduce((sum, plan) => sum + plan.maxFiles * plan.maxFileBytes, 0);
  return {
    isRaw,
    fields: new Map(plans.map((plan) => [plan.name, plan])),
    maxTotalBytes: Math.min(wantedBytes, maxBytes),
    allowanceBytes: isRaw ? 0 : ALLOWANCE_BYTES,
    maxParts: maxFiles + ALLOWANCE_PARTS,
    idleMs: config.uploadIdleMs,
    minBytesPerSecond: config.minUploadRate,
  };
}

function planField(name: string, options: UploadOptions & RawUploadOptions, maxBytes: number): FieldPlan {
  return {
    name,
    type: options.type ?? DEFAULT_UPLOAD_TYPE,
    purpose: options.purpose,
    maxFiles: options.maxFiles ?? 1,
    maxFileBytes: Math.min(options.maxFileBytes ?? maxBytes, maxBytes),
    mediaTypes: patternsOf(options.mediaTypes),
    contents: patternsOf(options.contents),
    required: options.required ?? true,
    fileName: options.fileName,
  };
}

function patternsOf(mediaTypes: readonly string[] | undefined): readonly string[] | null {
  return mediaTypes?.map((type) => type.toLowerCase().replace(/\*$/, '')) ?? null;
}

/** The longest body that a route reads. */
export function maxBodyBytes({ maxTotalBytes, allowanceBytes }: UploadPlan): number {
  return maxTotalBytes + allowanceBytes;
}

/** What the files of a body of this length hold at least; 0 if that is not known. */
export function announcedBytes({ allowanceBytes }: UploadPlan, contentLength: string | undefined): number {
  return Math.max(0, Number(contentLength ?? 0) - allowanceBytes) || 0;
}

/** Whether a media type is one of `accepted`, or begins with one that ends in a slash. */
export function isAccepted(mediaType: string, accepted: readonly string[]): boolean {
  return accepted.some((one) => (one.endsWith('/') ? mediaType.startsWith(one) : mediaType === one));
}

import { create } from 'content-disposition';
import type { ResourceRecord } from '../../domain/resource.js';
import type { Validators } from './download-conditions.js';
import type { DownloadOptions } from './download-options.js';

/** Types that browsers show and never execute. `+xml` is left out: they run the scripts of any XML, whatever its name. */
const SHOWN_TYPES = [
  /^(?:audio|video)\/[a-z0-9][a-z0-9.+_-]*(?<!\+xml)$/,
  /^image\/(?:png|jpeg|webp|gif|avif)$/,
  /^text\/plain$/,
  /^application\/json$/,
];
const SAVED_TYPES = /^application\/(?:pdf|octet-stream)$/;

const OPAQUE = 'application/octet-stream';

/** The declared media type if browsers execute nothing of that type, otherwise `application/octet-stream`. */
export function safeMediaType({ mediaType }: ResourceRecord): string {
  const declared = mediaType?.toLowerCase() ?? '';
  return isShown(declared) || SAVED_TYPES.test(declared) ? declared : OPAQUE;
}

/** Names the file if the resource has a name. */
export function dispositionOf(resource: ResourceRecord, { disposition }: Required<DownloadOptions>): string {
  const type = disposition === 'inline' && isShown(safeMediaType(resource)) ? 'inline' : 'attachment';
  return create(resource.fileName ?? undefined, { type });
}

/** The id is a strong tag: the bytes of a resource never change. */
export function validatorsOf({ id, createdAt }: ResourceRecord): Validators {
  return { etag: `"${id}"`, modifiedAt: createdAt };
}

/**
 * Sent with every download, so that no user's file acts as a page of this site, and that no middleware compresses it:
 * its length, ranges and tag are those of the stored bytes.
 */
export function headersOf(
  { etag, modifiedAt }: Validators,
  { crossOriginResourcePolicy }: Required<DownloadOptions>,
): Record<string, string> {
  return {
    'Accept-Ranges': 'bytes',
    'X-Content-Type-Options': 'nosniff',
    'Content-Security-Policy': "sandbox; default-src 'none'",
    'Cross-Origin-Resource-Policy': crossOriginResourcePolicy,
    'Cache-Control': 'private, no-store, no-transform',
    ETag: etag,
    'Last-Modified': new Date(modifiedAt).toUTCString(),
  };
}

function isShown(mediaType: string): boolean {
  return SHOWN_TYPES.some((shown) => shown.test(mediaType));
}

import { create } from 'content-disposition';
import type { ResourceRecord } from '../../domain/resource.js';

const SAFE_TYPES = [
  /^audio\/[a-z0-9][a-z0-9.+_-]*$/,
  /^video\/[a-z0-9][a-z0-9.+_-]*$/,
  /^image\/(png|jpeg|webp|gif|avif)$/,
  /^text\/plain$/,
  /^application\/(json|pdf|octet-stream)$/,
];

/** The declared media type if browsers execute nothing of that type, otherwise `application/octet-stream`. */
export function safeMediaType({ mediaType }: ResourceRecord): string {
  const declared = mediaType?.toLowerCase() ?? '';
  return SAFE_TYPES.some((safe) => safe.test(declared)) ? declared : 'application/octet-stream';
}

/** Always an attachment, so that browsers save the file and never render it; named if the resource has a file name. */
export function dispositionOf({ fileName }: ResourceRecord): string {
  return fileName ? create(fileName) : create();
}

/** The id is a strong tag: the bytes of a resource never change. */
export function etagOf({ id }: ResourceRecord): string {
  return `"${id}"`;
}

/** Sent with every download, so that no user's file acts as a page of this site. */
export const DOWNLOAD_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  'Accept-Ranges': 'bytes',
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "sandbox; default-src 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'private, no-store',
});

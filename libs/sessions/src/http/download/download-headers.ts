import { create } from 'content-disposition';
import type { ResourceRecord } from '../../domain/resource.js';

const SAFE_TYPES = [
  /^audio\/[a-z0-9][a-z0-9.+_-]*$/,
  /^video\/[a-z0-9][a-z0-9.+_-]*$/,
  /^image\/(png|jpeg|webp|gif|avif)$/,
  /^text\/plain$/,
  /^application\/(json|pdf|octet-stream)$/,
];

/** What a browser may take a resource for: what its uploader said, where that cannot run in a page. */
export function safeMediaType({ mediaType }: ResourceRecord): string {
  const stated = mediaType?.toLowerCase() ?? '';
  return SAFE_TYPES.some((safe) => safe.test(stated)) ? stated : 'application/octet-stream';
}

/** Saved under the name that its user gave it, never shown in the page. */
export function dispositionOf({ fileName }: ResourceRecord): string {
  return fileName ? create(fileName) : create();
}

/** The bytes behind an id never change. */
export function etagOf({ id }: ResourceRecord): string {
  return `"${id}"`;
}

/** What every download carries, so that no file of a user acts as a page of this site. */
export const DOWNLOAD_HEADERS: Readonly<Record<string, string>> = Object.freeze({
  'Accept-Ranges': 'bytes',
  'X-Content-Type-Options': 'nosniff',
  'Content-Security-Policy': "sandbox; default-src 'none'",
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'private, no-store',
});

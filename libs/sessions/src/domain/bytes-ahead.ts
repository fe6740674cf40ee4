const MIB = 1024 * 1024;
const MOST_BYTES = 16 * MIB;
/** Other files of the session cannot use what one has reserved ahead: it must stay small. */
const SHARE_OF_SESSION = 1 / 64;

/**
 * Bytes to reserve ahead for a file of unknown length: as many as it has reserved, so that a large file does not cost a
 * store write for each MiB. 0 if the file would then exceed `maxBytes`, the limit of its session.
 */
export function bytesAhead(reservedBytes: number, maxBytes: number): number {
  const most = Math.min(MOST_BYTES, Math.floor(maxBytes * SHARE_OF_SESSION));
  const bytes = Math.max(MIB, Math.min(reservedBytes, most));
  return reservedBytes + bytes <= maxBytes ? bytes : 0;
}

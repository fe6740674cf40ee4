const MIB = 1024 * 1024;
const MOST_BYTES = 16 * MIB;
/** What is reserved and not used yet is kept from the other files of its session: that must stay little. */
const SHARE_OF_SESSION = 1 / 64;

/**
 * How many bytes to reserve at once for a file of unknown length that holds `heldBytes`, in a session that may hold
 * `maxBytes`: as many as it has, so that a large file does not cost a write of the store for each MiB. 0 where the file
 * would be larger with them than it may be.
 */
export function bytesAhead(heldBytes: number, maxBytes: number): number {
  const most = Math.min(MOST_BYTES, Math.floor(maxBytes * SHARE_OF_SESSION));
  const bytes = Math.max(MIB, Math.min(heldBytes, most));
  return heldBytes + bytes <= maxBytes ? bytes : 0;
}

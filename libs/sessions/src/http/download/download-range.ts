import parseRange from 'range-parser';
import type { ByteRange } from '../../ports/storage/file-storage.js';

const SUFFIX = /^bytes=\s*-0*[1-9]\d*\s*$/;
const UNSATISFIABLE = -1;

/**
 * The single byte range that a `Range` header asks for. `null`: send the whole file, because there is no range, several
 * or a malformed one. `unsatisfiable`: the file has no such bytes.
 */
export function rangeOf(range: string | undefined, sizeBytes: number): ByteRange | 'unsatisfiable' | null {
  if (range === undefined) return null;
  const parsed = parseRange(sizeBytes, range);
  if (parsed === UNSATISFIABLE) {
    if (!range.startsWith('bytes=')) return null;
    // A suffix longer than the file means the whole file; range-parser calls it unsatisfiable.
    return SUFFIX.test(range) && sizeBytes > 0 ? { start: 0, end: sizeBytes - 1 } : 'unsatisfiable';
  }
  if (!Array.isArray(parsed) || parsed.type !== 'bytes' || range.includes(',')) return null;
  const [only] = parsed;
  return only ? { start: only.start, end: only.end } : null;
}

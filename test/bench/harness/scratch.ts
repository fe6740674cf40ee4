import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** A folder for the files of one table, gone with `remove`. On a disk, unless TMPDIR says otherwise. */
export function scratchFolder(): { readonly path: string; remove(): void } {
  const path = mkdtempSync(join(process.env['TMPDIR'] ?? diskFolder(), 'nest-sessions-bench-'));
  return { path, remove: () => rmSync(path, { recursive: true, force: true }) };
}

/** The folder for temporary files is in memory on some systems; this one is on a disk everywhere. */
function diskFolder(): string {
  return process.platform === 'linux' ? '/var/tmp' : tmpdir();
}

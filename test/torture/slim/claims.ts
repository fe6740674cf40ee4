import { existsSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { contentOf } from './content.ts';
import type { Records } from './database.ts';
import type { Ledger } from './ledger.ts';

/**
 * A claimed file is whole at its one path and gone from its session, or still in the session and at no path; what was given its path is not
 * lost. Nothing else is in the folders. What was looked at is removed, as by whoever took it.
 */
export function checkClaims({ resources }: Records, ledger: Ledger, folders: readonly string[]): string[] {
  const faults: string[] = [];
  const held = new Map(resources.map((resource) => [resource.id, resource]));
  const seen = new Set<string>();
  for (const [path, { resourceId, isPlaced }] of ledger.claims) {
    if (!existsSync(path)) {
      if (isPlaced) faults.push(`the claimed file ${resourceId} is lost: ${path} is missing`);
      continue;
    }
    if (held.has(resourceId))
      faults.push(`the claimed file ${resourceId} is still in its session, and at ${path}`);
    if (seen.has(resourceId)) faults.push(`the claimed file ${resourceId} is at two paths`);
    seen.add(resourceId);
    const bytes = readFileSync(path);
    const known = ledger.files.get(resourceId);
    if (!known) faults.push(`nobody knows what ${path} was`);
    else if (!bytes.equals(contentOf(known.seed, known.sizeBytes))) {
      faults.push(`${path} has ${bytes.length} bytes, not the ${known.sizeBytes} sent`);
    }
  }
  for (const path of folders.flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))) {
    if (!ledger.claims.has(path)) faults.push(`left behind: ${path}`);
    rmSync(path);
  }
  return faults;
}

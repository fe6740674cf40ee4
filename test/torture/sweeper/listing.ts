import { createHash } from 'node:crypto';
import { lstatSync, readFileSync, readdirSync, readlinkSync } from 'node:fs';

/** Paths and names as bytes: one that is no UTF-8 would come back as another. */
export type Bytes = Buffer;

/** Everything at and below a path, and all that can be said of each without changing it. Links are not followed. */
export function listingOf(path: string | Bytes): Map<string, string> {
  const listing = new Map<string, string>();
  add(Buffer.from(path), listing);
  return listing;
}

/** What differs between two listings, in words. */
export function differencesOf(before: Map<string, string>, after: Map<string, string>): string[] {
  const lines: string[] = [];
  for (const [path, said] of before) {
    const now = after.get(path);
    if (now === undefined) lines.push(`${JSON.stringify(path)} is gone`);
    else if (now !== said) lines.push(`${JSON.stringify(path)} was ${said} and is ${now}`);
  }
  return lines;
}

export function below(folder: string | Bytes, name: string | Bytes): Bytes {
  return Buffer.concat([Buffer.from(folder), Buffer.from('/'), Buffer.from(name)]);
}

function add(path: Bytes, listing: Map<string, string>): void {
  const { mode, ino, nlink, uid, gid, size, rdev, mtimeNs, ctimeNs } = lstatSync(path, { bigint: true });
  const kind = Number(mode) & 0o170000;
  const facts = [mode.toString(8), ino, nlink, uid, gid, size, rdev, mtimeNs, ctimeNs];
  if (kind === 0o100000) facts.push(createHash('sha1').update(readFileSync(path)).digest('hex'));
  if (kind === 0o120000) facts.push(readlinkSync(path, { encoding: 'latin1' }));
  listing.set(path.toString('latin1'), facts.join(' '));
  if (kind !== 0o040000) return;
  for (const name of readdirSync(path, { encoding: 'buffer' })) add(below(path, name), listing);
}

import { link, realpath } from 'node:fs/promises';
import { basename, dirname, resolve, sep } from 'node:path';
import { SessionsError } from '../domain/errors.js';
import { CANNOT_LINK, isSystemError } from './storage-error.js';

const MOST_NAME_BYTES = 255;

/** Where a claimed file is to lie: a name in a folder that exists. */
export interface ClaimTarget {
  /** Without links. */
  readonly folder: string;
  readonly name: string;
}

/**
 * Resolves the path of a claim. Rejects with `INVALID_ARGUMENT` unless its folder exists, and is one of `claimTo` or in one, with all links
 * resolved, and not in `outside`. `claimTo` undefined: any folder.
 */
export async function claimTargetOf(
  path: string,
  claimTo: readonly string[] | undefined,
  outside?: string,
): Promise<ClaimTarget> {
  if (typeof path !== 'string' || path === '' || path.includes('\0') || /(^|[\\/])\.\.?$|[\\/]$/.test(path))
    throw notClaimable();
  if (path.split(/[\\/]/).includes('..')) throw notClaimable();
  const target = resolve(path);
  const name = basename(target);
  if (name === '' || Buffer.byteLength(name) > MOST_NAME_BYTES) throw notClaimable();
  const folder = await realpathOrNull(dirname(target));
  if (folder === null || (outside !== undefined && isIn(folder, outside))) throw notClaimable();
  const allowed = claimTo && (await Promise.all(claimTo.map(realpathOrNull)));
  if (allowed?.every((one) => one === null || !isIn(folder, one))) throw notClaimable();
  return { folder, name };
}

/** Gives the whole file at `draft` its name. Rejects with `FILE_EXISTS` if there is one by now, with `INVALID_ARGUMENT` where the system cannot. */
export async function giveName(draft: string, name: string): Promise<void> {
  try {
    await link(draft, name);
  } catch (error) {
    if (isSystemError(error, 'EEXIST')) throw fileExists(error);
    if (isSystemError(error, ...CANNOT_LINK)) throw withoutLinks(error);
    throw error;
  }
}

export function fileExists(cause?: unknown): SessionsError {
  return new SessionsError(
    'FILE_EXISTS',
    'There is a file with the name of the claim already: claim it under another name.',
    { cause },
  );
}

export function beingClaimed(): SessionsError {
  return new SessionsError('RESOURCES_IN_USE', 'The file is being claimed by another call: try again later.');
}

export function goneBeforeClaim(): SessionsError {
  return new SessionsError('RESOURCE_GONE', 'There is no such file to claim.');
}

function isIn(folder: string, parent: string): boolean {
  return folder === parent || folder.startsWith(parent.endsWith(sep) ? parent : parent + sep);
}

/** `null` for a folder that is missing or that this user may not enter. */
async function realpathOrNull(path: string): Promise<string | null> {
  try {
    return await realpath(path);
  } catch {
    return null;
  }
}

function notClaimable(): SessionsError {
  return new SessionsError(
    'INVALID_ARGUMENT',
    'A file can be claimed only to a path without `..`, in an existing folder of claimTo (SESSION_CLAIM_TO).',
  );
}

function withoutLinks(cause: unknown): SessionsError {
  return new SessionsError(
    'INVALID_ARGUMENT',
    'The file system of this folder of claimTo has no hard links: claim files to a folder of another one.',
    { cause },
  );
}

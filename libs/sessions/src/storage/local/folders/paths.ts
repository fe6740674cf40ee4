import { randomBytes } from 'node:crypto';
import { join } from 'node:path';
import { SessionsError } from '../../../domain/errors.js';
import { digitsOf, idOfDigits, isUuid } from '../../../domain/ids.js';
import type { FileKey, StoredName, TrashTicket } from '../../../ports/storage/file-storage.js';

const FOLDER_NAME = /^[0-9a-f]{32}$/;
const FILE_NAME = /^([0-9a-f]{32})(\.part|\.link)?$/;
const SHARD_NAME = /^[0-9a-f]{2}$/;
const TEMP_NAME = /^([0-9a-f]{32})-[0-9a-f]{32}\.[0-9a-z]{1,8}$/;
const CLAIM_DRAFT = /^\.[0-9a-f]{32}\.claim$/;
const BEACON_NAME = /^[0-9a-f]{32}-[0-9a-f]{16}$/;

export interface ParsedFileName {
  readonly resourceId: string;
  readonly partial: boolean;
  /** Adopted: the file may still have a second name, its source. */
  readonly linked: boolean;
}

/**
 * Builds every path below a storage root; no other code does. Paths are built from UUIDs alone: any other id throws
 * `INVALID_ARGUMENT` before it reaches the file system.
 */
export class RootPaths {
  readonly marker: string;
  readonly sessions: string;
  readonly trash: string;
  readonly ballast: string;
  readonly unfinishedBallast: string;
  readonly beacons: string;
  /** Paths lent to programs, and notes that are being written. */
  readonly temp: string;
  /** A note for each file that is being claimed. */
  readonly claims: string;

  constructor(readonly root: string) {
    this.marker = join(root, MARKER_NAME);
    this.sessions = join(root, 's');
    this.trash = join(root, 'trash');
    this.ballast = join(root, 'ballast');
    this.unfinishedBallast = join(root, 'ballast.part');
    this.beacons = join(root, 'beacons');
    this.temp = join(root, 'tmp');
    this.claims = join(root, 'claims');
  }

  /** The parent of the session's folder, one of 256. */
  shard(sessionId: string): string {
    return join(this.sessions, hexOf(sessionId).slice(0, 2));
  }

  session(sessionId: string): string {
    return join(this.shard(sessionId), hexOf(sessionId));
  }

  file(key: FileKey): string {
    return join(this.session(key.sessionId), fileName(key.resourceId));
  }

  link(key: FileKey): string {
    return join(this.session(key.sessionId), linkName(key.resourceId));
  }
}

export const MARKER_NAME = '.nest-sessions.json';

/** Tells git to ignore the root and everything in it. */
export const GIT_IGNORE_NAME = '.gitignore';

/** The name of a session's folder in its shard. */
export function folderName(sessionId: string): string {
  return hexOf(sessionId);
}

/** The name of a finished file in its session's folder. */
export function fileName(resourceId: string): string {
  return hexOf(resourceId);
}

/** The name of a file that is still being written. */
export function partName(resourceId: string): string {
  return `${hexOf(resourceId)}.part`;
}

/** The name of an adopted file while its source, a second link to it, may still exist. */
export function linkName(resourceId: string): string {
  return `${hexOf(resourceId)}.link`;
}

/** The name of a session's folder in the trash: the same for every process. */
export function trashName(sessionId: string): TrashTicket {
  return hexOf(sessionId);
}

/** The name of a folder that goes into one that its session already has in the trash. */
export function laterTrashName(): string {
  return `later-${randomBytes(16).toString('hex')}`;
}

/** Throws `INVALID_ARGUMENT` unless both ids of the key are UUIDs. */
export function checkKey(key: FileKey): void {
  hexOf(key.sessionId);
  hexOf(key.resourceId);
}

/** The name of a process's beacon; with an empty beacon, the prefix of all its beacons. */
export function beaconName(processId: string, beacon: string): string {
  return `${hexOf(processId)}-${beacon}`;
}

export function isBeaconName(name: string): boolean {
  return BEACON_NAME.test(name);
}

/** A new name in `tmp`, of this process. */
export function tempName(processId: string, extension: string): string {
  return `${hexOf(processId)}-${randomBytes(16).toString('hex')}.${extension}`;
}

/** The process whose file has this name in `tmp`; `null` if our code does not make such names. */
export function parseTempName(name: string): string | null {
  const match = TEMP_NAME.exec(name);
  return match?.[1] ? idOfDigits(match[1]) : null;
}

/** A new hidden name, in the folder that a file is claimed to. */
export function claimDraftName(): string {
  return `.${randomBytes(16).toString('hex')}.claim`;
}

export function isClaimDraftName(name: string): boolean {
  return CLAIM_DRAFT.test(name);
}

export function isShardName(name: string): boolean {
  return SHARD_NAME.test(name);
}

export function isTrashName(name: string): boolean {
  return FOLDER_NAME.test(name);
}

/** The session whose folder has this name in the trash; `null` if our code does not make such names. */
export function parseTrashName(name: string): string | null {
  return isTrashName(name) ? idOfDigits(name) : null;
}

/** The session whose folder has this name in this shard; `null` if our code does not make such names. */
export function parseFolderName(shard: string, name: string): string | null {
  return FOLDER_NAME.test(name) && name.startsWith(shard) ? idOfDigits(name) : null;
}

/** The resource whose file has this name; `null` if our code does not make such names. */
export function parseFileName(name: string): ParsedFileName | null {
  const match = FILE_NAME.exec(name);
  if (!match?.[1]) return null;
  return { resourceId: idOfDigits(match[1]), partial: match[2] === '.part', linked: match[2] === '.link' };
}

const STORED_PATH =
  /(?:^|\/)(?:s\/(?<shard>[0-9a-f]{2})|(?<trash>trash))\/(?<folder>[0-9a-f]{32})(?:\/later-[0-9a-f]{32})*(?:\/(?<file>[^/]+))?\/*$/;

/** What is at this path, in whichever root; `null` if our code does not make such paths. */
export function parsePath(path: string): StoredName | null {
  const { shard, trash, folder, file } = STORED_PATH.exec(path)?.groups ?? {};
  if (folder === undefined || !folder.startsWith(shard ?? '')) return null;
  const name = file === undefined ? null : parseFileName(file);
  if (file !== undefined && name === null) return null;
  const kind = name?.partial ? 'partial' : 'stored';
  return {
    sessionId: idOfDigits(folder),
    resourceId: name?.resourceId ?? null,
    kind: trash === undefined ? kind : 'trash',
  };
}

function hexOf(id: string): string {
  if (!isUuid(id)) {
    throw new SessionsError('INVALID_ARGUMENT', 'The session id or resource id is not a UUID in lower case.');
  }
  return digitsOf(id);
}

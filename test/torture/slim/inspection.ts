import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { ResourceLimits } from '#sessions/domain/limits';
import { checkClaims } from './claims.ts';
import { contentOf } from './content.ts';
import { readRecords, type Records, type SessionRow } from './database.ts';
import { readDisk, type Disk } from './disk.ts';
import { NOBODY, type Ledger } from './ledger.ts';
import { DATABASE } from './slim-plan.ts';
import { checkTimelines } from './timelines.ts';

/** What is wrong with a storage root whose server has come back and done one cleanup, and does nothing else. */
export function inspect(
  root: string,
  ledger: Ledger,
  limits: ResourceLimits,
  claimFolders: readonly string[] = [],
): string[] {
  const records = readRecords(join(root, DATABASE));
  const disk = readDisk(root);
  const faults = [
    ...ledger.faults.splice(0),
    ...(records.integrity === 'ok' ? [] : [`integrity_check: ${records.integrity}`]),
    ...compareFiles(records, disk),
    ...compareFolders(records, disk, ledger),
    ...compareCounts(records, limits),
    ...compareContents(disk, records, ledger),
    ...checkAcknowledged(records, disk, ledger),
    ...checkClaims(records, ledger, claimFolders),
    ...checkTimelines(records, ledger),
  ];
  ledger.settleFor(records);
  return faults;
}

/** No file without a record, no record without its file, nothing left behind. */
function compareFiles({ resources, uses, ending }: Records, disk: Disk): string[] {
  const faults = disk.litter.map((name) => `left behind: ${name}`);
  const known = new Map(resources.map((resource) => [resource.id, resource]));
  for (const { path, resourceId, sessionId, sizeBytes } of disk.files) {
    const record = known.get(resourceId ?? '');
    if (resourceId === null) faults.push(`an unfinished file is left: ${path}`);
    else if (!record || record.sessionId !== sessionId) faults.push(`a file without a record: ${path}`);
    else if (record.sizeBytes !== sizeBytes) {
      faults.push(`${path} has ${sizeBytes} bytes, its record says ${record.sizeBytes}`);
    }
  }
  const present = new Set(disk.files.map(({ resourceId }) => resourceId));
  for (const { id, state, uses, type } of resources) {
    if (state !== 'ready') faults.push(`resource ${id} is still ${state}`);
    else if (type === 'stream') faults.push(`stream ${id} of a dead process is still there`);
    else if (!present.has(id)) faults.push(`a ready record without its file: ${id}`);
    if (uses !== 0) faults.push(`resource ${id} is in use by nobody`);
  }
  if (!disk.ballast) faults.push('the ballast is missing');
  if (uses !== 0) faults.push(`${uses} uses by nobody`);
  if (ending !== 0) faults.push(`${ending} sessions are still ending`);
  return faults;
}

/** A folder that a sweep has emptied goes with the sweep after it: no folder of a dead session is seen twice. */
function compareFolders({ sessions }: Records, { folders }: Disk, ledger: Ledger): string[] {
  const open = new Set(sessions.filter(({ state }) => state === 'open').map(({ id }) => id));
  const left = new Set(folders.filter((id) => !open.has(id)));
  const stayed = [...left].filter((id) => ledger.emptied.has(id));
  ledger.emptied = left;
  return stayed.map((id) => `a folder of no live session stays: ${id}`);
}

/** Counts and bytes are those of the records, which are those of the disk; no limit is passed. */
function compareCounts({ sessions, resources, types, open }: Records, limits: ResourceLimits): string[] {
  const faults: string[] = [];
  const held = Map.groupBy(resources, ({ sessionId }) => sessionId);
  for (const { id, resourceCount, bytesUsed } of sessions) {
    const own = held.get(id) ?? [];
    const bytes = own.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    if (resourceCount !== own.length || bytesUsed !== bytes) {
      faults.push(
        `session ${id} counts ${resourceCount} resources of ${bytesUsed} bytes, and has ${own.length} of ${bytes}`,
      );
    }
    if (own.length > limits.maxResources || bytes > limits.maxBytes) {
      faults.push(`session ${id} is over its limits: ${own.length} resources, ${bytes} bytes`);
    }
  }
  const openNow = sessions.filter(({ state }) => state === 'open').length;
  if (open !== openNow) faults.push(`${open} sessions are counted as open, and ${openNow} are`);
  for (const { type, active, activeBytes } of types) {
    const own = resources.filter((resource) => resource.type === type);
    const bytes = own.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
    if (active !== own.length || activeBytes !== bytes) {
      faults.push(
        `${active} of type ${type} are counted with ${activeBytes} bytes, and ${own.length} are there with ${bytes}`,
      );
    }
  }
  return faults;
}

function compareContents({ files }: Disk, { resources }: Records, ledger: Ledger): string[] {
  const ready = new Map(resources.map((resource) => [resource.id, resource]));
  return files.flatMap(({ path, resourceId }) => {
    const record = ready.get(resourceId ?? '');
    if (record?.state !== 'ready') return [];
    const known = ledger.files.get(record.id);
    const sizeBytes = known?.sizeBytes ?? record.sizeBytes;
    const expected = contentOf(record.fileName ?? record.id, sizeBytes);
    return readFileSync(path).equals(expected) ? [] : [`${path} does not hold the ${sizeBytes} bytes sent`];
  });
}

/** What was acknowledged is there, unless somebody was about to undo it. */
function checkAcknowledged({ sessions, resources }: Records, disk: Disk, ledger: Ledger): string[] {
  const faults: string[] = [];
  const rows = new Map(sessions.map((session) => [session.id, session]));
  const isOpen = (id: string): boolean => rows.get(id)?.state === 'open';
  for (const [id, known] of ledger.sessions) {
    const row = rows.get(id);
    if (row?.state === 'open') faults.push(...compareSession(row, known.tokens, known.users));
    else if (!known.mayEnd) faults.push(`session ${id} was acknowledged, and is ${row?.state ?? 'gone'}`);
  }
  for (const id of ledger.ended) if (isOpen(id)) faults.push(`session ${id} was ended, and is open again`);
  const ready = new Set(resources.filter(({ state }) => state === 'ready').map(({ id }) => id));
  for (const [id, { sessionId, settled, mayGo }] of ledger.files) {
    if (settled && !mayGo && isOpen(sessionId) && !ready.has(id)) {
      faults.push(`upload ${id} of live session ${sessionId} was acknowledged, and is gone`);
    }
    const source = ledger.sources.get(id);
    const mayBeGone = settled || mayGo || ready.has(id) || ledger.sessions.get(sessionId)?.mayEnd !== false;
    if (source !== undefined && !mayBeGone && !existsSync(source)) {
      faults.push(`adoption ${id} failed, and its source is gone`);
    }
  }
  if (disk.files.length > resources.length) faults.push('more files than records');
  return faults;
}

function compareSession(
  { id, token, userId }: SessionRow,
  tokens: ReadonlySet<string>,
  users: ReadonlySet<string>,
): string[] {
  const faults: string[] = [];
  if (![...tokens].some((hash) => hash.endsWith(token)))
    faults.push(`session ${id} has a token that was replaced`);
  if (!users.has(userId ?? NOBODY)) faults.push(`session ${id} is bound to ${userId ?? 'nobody'} again`);
  return faults;
}

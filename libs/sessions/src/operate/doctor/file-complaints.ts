import type { SessionsCore } from '../../core/core.js';
import { RunReport } from '../../core/cleanup/run-report.js';
import type { Log } from '../../core/watch/log.js';
import { hasCode } from '../../domain/errors.js';
import { isReadable as holdsBytes, STREAM_TYPE, type ResourceRecord } from '../../domain/resource.js';
import type { FileKey, ScannedFile } from '../../ports/storage/file-storage.js';
import { matchingSessions } from '../lists/matching-sessions.js';
import { complaint, named, type Complaint } from './complaint.js';

/** Sessions whose resources are read together, and files that are looked for at once. */
const SESSIONS = 50;
const FILES = 8;
/** Findings of one kind: a lost disk would have one for each file. */
const MOST = 1000;

/** Compares the files of this node with the records, in both directions; with records that cannot be read, only in one. */
export async function fileComplaints(
  core: SessionsCore,
  log: Log,
  isReadable: boolean,
  signal: AbortSignal,
): Promise<Complaint[]> {
  if (core.storageRoot.isTransient) return [notHere()];
  const { problem, trusted } = await core.storageRoot.room();
  // Told of the root itself: nothing may be concluded from a folder that is another's, or does not answer.
  if (!trusted || problem === 'missing' || problem === 'unavailable') return [];
  return [...(await ownerless(core, log)), ...(isReadable ? await lost(core, signal) : [])];
}

function notHere(): Complaint {
  return complaint('files-not-checked', 'info', {
    what: 'This machine has no storage folder: files were not compared with records.',
    remedy: 'Run the command on each machine that keeps files, as the user of its server.',
  });
}

/** Files without a record. */
async function ownerless(core: SessionsCore, log: Log): Promise<Complaint[]> {
  const { storage, store, config, clockTrust } = core;
  const unknown: ScannedFile[] = [];
  let foreign = 0;
  try {
    for await (const part of storage.scan((ids) => store.resources.known(ids))) {
      unknown.push(...part.unknown);
      foreign += part.foreign;
    }
  } catch (error) {
    if (hasCode(error, 'STORAGE_UNAVAILABLE')) return [unreadableFolder(error)];
    throw error;
  }
  const isOld = ({ changedAt }: ScannedFile): boolean => Date.now() - changedAt >= config.orphanGraceMs;
  const [old, young] = [unknown.filter(isOld), unknown.filter((file) => !isOld(file))];
  const complaints: Complaint[] = [];
  if (old.length > 0) {
    const mend = clockTrust.isTrusted ? () => sweep(core, log) : null;
    const remedy =
      'Run: doctor --repair, or wait for the next cleanup. If most files are orphans, the store may be wrong: see sessions cleanup --confirm';
    complaints.push(
      complaint('orphans', 'warning', { what: `${filesOf(old)} belong to no session.`, remedy }, mend),
    );
  }
  if (young.length > 0) {
    const what = `${filesOf(young)} belong to no session, but changed less than ${config.orphanGraceMs / 1000} s ago.`;
    complaints.push(complaint('young-orphans', 'info', { what, remedy: 'A later cleanup deletes them.' }));
  }
  if (foreign > 0) {
    const what = `${foreign} entries in the storage folder have names that are not ours.`;
    complaints.push(complaint('foreign-entries', 'info', { what, remedy: 'They are never touched.' }));
  }
  return complaints;
}

function unreadableFolder(error: Error): Complaint {
  return complaint('unreadable-folder', 'error', {
    what: `Files without a session were not looked for: ${error.message}`,
    remedy: 'Run the command as the user of the server. If it fails there too: see the log of the disk',
  });
}

/** By the rule of the cleanup: what two scans find, older than the grace, unless it is most of all files. */
async function sweep({ sweep: orphans, config }: SessionsCore, log: Log): Promise<boolean> {
  const options = { graceMs: config.orphanGraceMs };
  const report = new RunReport(log);
  await orphans.run({ ...options, dryRun: true }, report);
  return (await orphans.run(options, report)).deleted > 0;
}

function filesOf(files: readonly ScannedFile[]): string {
  const names = files.map(({ resourceId, partial }) => (partial ? `${resourceId}.part` : resourceId));
  return `${files.length} files (${named(names)})`;
}

/** Records without their file, or with another one. */
async function lost(core: SessionsCore, signal: AbortSignal): Promise<Complaint[]> {
  const complaints: Complaint[] = [];
  for await (const sessionIds of liveSessions(core)) {
    const resources = await core.store.resources.list(sessionIds);
    const files = resources.filter((resource) => isKeptHere(core, resource));
    for (let start = 0; start < files.length; start += FILES) {
      const found = await Promise.all(
        files.slice(start, start + FILES).map((file) => complaintOf(core, file)),
      );
      complaints.push(...found.filter((one) => one !== null));
    }
    if (signal.aborted || complaints.length >= MOST) break;
  }
  return complaints;
}

async function* liveSessions(core: SessionsCore): AsyncGenerator<string[]> {
  for await (const slice of matchingSessions(core, {}, Number.MAX_SAFE_INTEGER)) {
    for (let start = 0; start < slice.length; start += SESSIONS)
      yield slice.slice(start, start + SESSIONS).map(({ id }) => id);
  }
}

function isKeptHere({ thisProcess }: SessionsCore, resource: ResourceRecord): boolean {
  return resource.type !== STREAM_TYPE && holdsBytes(resource) && resource.nodeId === thisProcess.nodeId;
}

async function complaintOf(core: SessionsCore, file: ResourceRecord): Promise<Complaint | null> {
  const state = await stateOf(core, file);
  if (state === 'whole' || !(await isStillKept(core, file))) return null;
  const of = `File ${file.id} of session ${file.sessionId}`;
  if (state === 'unreadable') {
    const what = `${of} cannot be read here.`;
    const remedy =
      'Run the command as the user of the server. If it cannot read it either: look at owner and mode of the file, and at the log of the disk';
    return complaint('unreadable-file', 'error', { subject: file.id, what, remedy });
  }
  if (state === 'short') {
    const what = `${of} is shorter than its ${file.sizeBytes} bytes.`;
    const remedy = 'Copy it back from a backup with the same name, or end the session: sessions cleanup <id>';
    return complaint('short-file', 'error', { subject: file.id, what, remedy });
  }
  const what = `${of} is gone from the disk: ${file.type}, ${file.sizeBytes} bytes.`;
  const remedy = 'Copy it back from a backup, or release its record: doctor --repair';
  const mend = async (): Promise<boolean> =>
    (await stateOf(core, file)) === 'missing' &&
    (await isStillKept(core, file)) &&
    core.service.release({ id: file.id });
  return complaint('missing-file', 'error', { subject: file.id, what, remedy }, mend);
}

/** Opens it, and reads its last byte. */
async function stateOf(
  { storage }: SessionsCore,
  file: ResourceRecord,
): Promise<'whole' | 'short' | 'missing' | 'unreadable'> {
  const last = file.sizeBytes - 1;
  try {
    const bytes = await storage.read(keyOf(file), ...(last < 0 ? [] : [{ start: last, end: last }]));
    if (bytes === null) return 'missing';
    bytes.destroy();
    return 'whole';
  } catch (error) {
    if (hasCode(error, 'RANGE_NOT_SATISFIABLE')) return 'short';
    if (hasCode(error, 'STORAGE_UNAVAILABLE')) return 'unreadable';
    throw error;
  }
}

/** A file goes after its record said so, and that of an ending session with the end. */
async function isStillKept(core: SessionsCore, { id }: ResourceRecord): Promise<boolean> {
  const now = await core.store.resources.find(id);
  if (now === null || !isKeptHere(core, now)) return false;
  return (await core.store.sessions.find(now.sessionId))?.state === 'open';
}

function keyOf({ id, sessionId }: ResourceRecord): FileKey {
  return { sessionId, resourceId: id };
}

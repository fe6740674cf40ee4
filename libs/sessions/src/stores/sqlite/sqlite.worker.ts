import type { DatabaseSync } from 'node:sqlite';
import { parentPort, workerData, type MessagePort } from 'node:worker_threads';
import { isRead } from '../../ports/store/store-groups.js';
import { fileAt, troubleAt } from './database/database-file.js';
import { SqliteBatch } from './sqlite.batch.js';
import { openDatabase, openRatesDatabase } from './database/sqlite.database.js';
import { schemaWith } from './database/sqlite.migration.js';
import { SqliteErasure } from './sqlite.erasure.js';
import { LOCKED, misplaced, openingFaultOf, type Fault } from './database/sqlite.errors.js';
import { Inbox } from './sqlite.inbox.js';
import type { Call, FromWorker, Reply, ToWorker, WorkerOptions } from './sqlite.messages.js';
import { ratesOperations, sqliteOperations } from './sqlite.operations.js';

/** Opening waits at least so long for locks: another process may be creating or migrating the database. */
const OPENING_MS = 5000;
/** How long SQLite waits for a lock at a time. Between two tries the worker refuses calls that have waited too long. */
const TRY_MS = 100;

interface Opened {
  readonly db: DatabaseSync;
  readonly batch: SqliteBatch;
  readonly file: string;
  /** `null`: what the database forgets may stay in its free pages. */
  readonly erasure: SqliteErasure | null;
}

if (parentPort === null) throw new Error('This file runs as a worker thread');
start(parentPort, workerData);

function start(port: MessagePort, options: WorkerOptions): void {
  const opened = open(options);
  if (!('db' in opened)) {
    send(port, { kind: 'refused', fault: opened });
    return port.close();
  }
  const { db, file, erasure } = opened;
  send(port, { kind: 'opened', file });

  port.on('message', (first: ToWorker) => {
    const inbox = new Inbox(port, options);
    inbox.take(first);
    for (let calls = inbox.next(); calls.length > 0 || erasure?.isDue; calls = inbox.next()) {
      if (calls.length === 0) {
        erasure?.step();
        continue;
      }
      const replies = run(opened, options, calls) ?? refuse(opened, inbox.keepWaiting(), LOCKED);
      if (replies.length > 0) send(port, { kind: 'replies', replies });
    }
    if (!inbox.closing) return;
    db.close();
    send(port, { kind: 'closed' });
    port.close();
  });
}

function open(options: WorkerOptions): Opened | Fault {
  let db: DatabaseSync | null = null;
  try {
    const before = options.file === null ? null : troubleAt(options.path, options.file);
    if (before !== null) return misplaced(before);
    const busyTimeoutMs = Math.max(OPENING_MS, options.busyTimeoutMs);
    const isOfRates = options.contents === 'rates';
    db = isOfRates
      ? openRatesDatabase({ ...options, busyTimeoutMs })
      : openDatabase({ ...options, busyTimeoutMs }, options.migrations, options.silent);
    const file = fileAt(options.path);
    if (file === null || file !== (options.file ?? file)) {
      db.close();
      return misplaced(file === null ? 'deleted' : 'replaced');
    }
    const tryMs = Math.min(TRY_MS, options.busyTimeoutMs);
    db.exec(`PRAGMA busy_timeout = ${tryMs}`);
    const operations = isOfRates ? ratesOperations(db) : sqliteOperations(db);
    const batch = new SqliteBatch(db, operations, schemaWith(options.migrations));
    return { db, file, batch, erasure: isOfRates ? null : new SqliteErasure(db, tryMs) };
  } catch (error) {
    db?.close();
    return openingFaultOf(error, options.path);
  }
}

/** `null` if another process holds the lock. */
function run(opened: Opened, { path }: WorkerOptions, calls: readonly Call[]): Reply[] | null {
  const { batch, erasure, file } = opened;
  // Only writes look: a read must not wait for a disk that hangs.
  const trouble = calls.every(({ name }) => isRead(name)) ? null : troubleAt(path, file);
  if (trouble !== null) return calls.map(({ id }) => ({ id, fault: misplaced(trouble) }));
  const replies = batch.run(calls);
  if (replies !== null && !batch.isOutdated) erasure?.note(calls);
  return replies;
}

function refuse({ batch }: Opened, late: readonly Call[], fault: Fault): Reply[] {
  return late.length === 0 ? [] : batch.refuse(late, fault);
}

function send(port: MessagePort, message: FromWorker): void {
  port.postMessage(message);
}

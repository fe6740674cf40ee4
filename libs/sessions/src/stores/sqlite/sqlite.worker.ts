import type { DatabaseSync } from 'node:sqlite';
import { parentPort, receiveMessageOnPort, workerData, type MessagePort } from 'node:worker_threads';
import { SqliteBatch } from './sqlite.batch.js';
import { openDatabase } from './sqlite.database.js';
import { SqliteErasure } from './sqlite.erasure.js';
import { openingFaultOf } from './sqlite.errors.js';
import type { Call, FromWorker, ToWorker, WorkerOptions } from './sqlite.messages.js';
import { sqliteOperations } from './operations/operations.js';

/** Maximum calls per transaction, so that other processes get the lock in between. */
const MAX_BATCH = 512;

if (parentPort === null) throw new Error('This file runs as a worker thread');
start(parentPort, workerData);

function start(port: MessagePort, options: WorkerOptions): void {
  let db: DatabaseSync;
  let batch: SqliteBatch;
  let erasure: SqliteErasure;
  try {
    db = openDatabase(options);
    batch = new SqliteBatch(db, sqliteOperations(db));
    erasure = new SqliteErasure(db, options.busyTimeoutMs);
  } catch (error) {
    send(port, { kind: 'refused', fault: openingFaultOf(error) });
    return port.close();
  }
  send(port, { kind: 'opened' });

  port.on('message', (first: ToWorker) => {
    const inbox = new Inbox(port);
    inbox.take(first);
    for (let calls = inbox.next(); calls.length > 0 || erasure.isDue; calls = inbox.next()) {
      if (calls.length === 0) {
        erasure.step();
        continue;
      }
      send(port, { kind: 'replies', replies: batch.run(calls) });
      erasure.note(calls);
    }
    if (!inbox.closing) return;
    db.close();
    send(port, { kind: 'closed' });
    port.close();
  });
}

/** The calls to run next. While one batch waits for the disk, the port collects the next. */
class Inbox {
  closing = false;
  readonly #calls: Call[] = [];

  constructor(private readonly port: MessagePort) {}

  take(message: ToWorker): void {
    if (message.kind === 'close') this.closing = true;
    else this.#calls.push(...message.calls);
  }

  next(): Call[] {
    for (let more = receive(this.port); more !== null; more = receive(this.port)) this.take(more);
    return this.#calls.splice(0, MAX_BATCH);
  }
}

function receive(port: MessagePort): ToWorker | null {
  const received: { message: ToWorker } | undefined = receiveMessageOnPort(port);
  return received?.message ?? null;
}

function send(port: MessagePort, message: FromWorker): void {
  port.postMessage(message);
}

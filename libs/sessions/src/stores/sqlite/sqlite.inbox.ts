import { receiveMessageOnPort, type MessagePort } from 'node:worker_threads';
import { kindOf } from '../../ports/store/store-groups.js';
import type { Call, ToWorker, WorkerOptions } from './sqlite.messages.js';

/** How much longer than a client the background waits for a lock. */
const UPKEEP_FACTOR = 5;

interface Waiting {
  readonly call: Call;
  /** In monotonic milliseconds of this thread. */
  readonly deadline: number;
}

/** The calls to run next. While one batch waits for the disk, the port collects the next. */
export class Inbox {
  closing = false;
  #waiting: Waiting[] = [];
  #running: Waiting[] = [];

  constructor(
    private readonly port: MessagePort,
    private readonly options: Pick<WorkerOptions, 'maxBatch' | 'busyTimeoutMs'>,
  ) {}

  take(message: ToWorker): void {
    if (message.kind === 'close') {
      this.closing = true;
      return;
    }
    const now = performance.now();
    for (const call of message.calls) {
      const factor = kindOf(call.name) === 'upkeep' ? UPKEEP_FACTOR : 1;
      this.#waiting.push({ call, deadline: now + factor * this.options.busyTimeoutMs });
    }
  }

  next(): Call[] {
    for (let more = receive(this.port); more !== null; more = receive(this.port)) this.take(more);
    this.#running = this.#waiting.splice(0, this.options.maxBatch);
    return this.#running.map(({ call }) => call);
  }

  /** Puts the calls of the last `next` back that may wait longer; answers the others. */
  keepWaiting(): Call[] {
    const now = performance.now();
    const late = this.#running.filter(({ deadline }) => deadline <= now);
    this.#waiting.unshift(...this.#running.filter(({ deadline }) => deadline > now));
    this.#running = [];
    return late.map(({ call }) => call);
  }
}

function receive(port: MessagePort): ToWorker | null {
  const received: { message: ToWorker } | undefined = receiveMessageOnPort(port);
  return received?.message ?? null;
}

import type { EntryOutcome } from './trash-removal.js';
import { unavailable } from '../../storage-error.js';
import { WorkerThread } from '../folders/worker-thread.js';

/** Entries per message. */
const BATCH = 16;

interface Job {
  readonly name: string;
  readonly resolve: (outcome: EntryOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Deletes trash entries in a worker thread, so that the event loop never waits for the disk. */
export class TrashThread {
  private readonly thread: WorkerThread<readonly string[], readonly EntryOutcome[]>;
  private readonly waiting: Job[] = [];
  private isBusy = false;

  constructor(trash: string) {
    this.thread = new WorkerThread({
      name: 'trash',
      file: new URL('./trash.worker.js', import.meta.url),
      data: { trash },
      lost: stopped,
    });
  }

  /** Deletes this entry, after those of earlier calls. */
  remove(name: string): Promise<EntryOutcome> {
    return new Promise((resolve, reject) => {
      this.waiting.push({ name, resolve, reject });
      if (!this.isBusy) void this.work();
    });
  }

  /** Stops the thread; pending deletions reject. */
  close(): Promise<void> {
    return this.thread.close();
  }

  private async work(): Promise<void> {
    this.isBusy = true;
    while (this.waiting.length > 0) {
      // oxlint-disable-next-line no-await-in-loop -- one message at a time
      await this.removeAll(this.waiting.splice(0, BATCH));
    }
    this.isBusy = false;
  }

  private async removeAll(jobs: readonly Job[]): Promise<void> {
    try {
      const outcomes = await this.thread.ask(jobs.map(({ name }) => name));
      for (const [index, job] of jobs.entries()) settle(job, outcomes[index]);
    } catch (error) {
      // The thread is dead. The next call starts a new one and retries.
      for (const job of [...jobs, ...this.waiting.splice(0)]) job.reject(error);
    }
  }
}

function settle(job: Job, outcome: EntryOutcome | undefined): void {
  if (outcome) job.resolve(outcome);
  else job.reject(stopped());
}

function stopped(cause?: unknown): Error {
  return unavailable('The trash thread stopped: the next cleanup deletes the rest of the trash.', cause);
}

import type { EntryOutcome } from './trash-removal.js';
import { unavailable } from '../folders/storage-error.js';
import { WorkerThread } from '../folders/worker-thread.js';

/** Entries handed over at once: few, so that what somebody waits for is not long in coming. */
const BATCH = 16;

interface Job {
  readonly name: string;
  readonly resolve: (outcome: EntryOutcome) => void;
  readonly reject: (error: unknown) => void;
}

/** Has entries of the trash deleted in a thread of its own, so that the event loop never waits for the disk. */
export class TrashThread {
  private readonly thread: WorkerThread<readonly string[], readonly EntryOutcome[]>;
  private readonly urgent: Job[] = [];
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

  /** Deletes this entry, before others if it is urgent. */
  remove(name: string, urgent: boolean): Promise<EntryOutcome> {
    return new Promise((resolve, reject) => {
      (urgent ? this.urgent : this.waiting).push({ name, resolve, reject });
      if (!this.isBusy) void this.work();
    });
  }

  /** What has not been deleted by now is rejected. */
  close(): Promise<void> {
    return this.thread.close();
  }

  private async work(): Promise<void> {
    this.isBusy = true;
    for (let jobs = this.nextJobs(); jobs.length > 0; jobs = this.nextJobs()) {
      // oxlint-disable-next-line no-await-in-loop -- what is urgent by then comes next
      await this.removeAll(jobs);
    }
    this.isBusy = false;
  }

  private nextJobs(): Job[] {
    return (this.urgent.length > 0 ? this.urgent : this.waiting).splice(0, BATCH);
  }

  private async removeAll(jobs: readonly Job[]): Promise<void> {
    try {
      const outcomes = await this.thread.ask(jobs.map(({ name }) => name));
      for (const [index, job] of jobs.entries()) settle(job, outcomes[index]);
    } catch (error) {
      // The thread is dead. What it was doing is tried again by who asks next, in a new one.
      for (const job of [...jobs, ...this.urgent.splice(0), ...this.waiting.splice(0)]) job.reject(error);
    }
  }
}

function settle(job: Job, outcome: EntryOutcome | undefined): void {
  if (outcome) job.resolve(outcome);
  else job.reject(stopped());
}

function stopped(cause?: unknown): Error {
  return unavailable('The trash is not being emptied: what is in it stays for the next time.', cause);
}

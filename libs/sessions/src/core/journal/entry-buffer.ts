import { hasCode } from '../../domain/errors.js';
import type { JournalEntry } from '../../domain/journal/entry.js';
import { MOST_DEEDS, MOST_REQUESTS } from '../../domain/journal/entry.js';
import type { NewEntry } from '../../ports/record/journal.js';
import type { CoreContext } from '../process/context.js';
import { describeError } from '../watch/log.js';
import { pruneTimelines } from './prune-timelines.js';

/** Entries that wait for the next flush; the store may be away for long. More are counted, and lost. */
const MOST_WAITING = 20_000;
/** As many as the store keeps. */
const MOST_OF_SESSION = MOST_DEEDS + MOST_REQUESTS;
const SLICE = 500;
/** The cleanup keeps `journalMaxBytes`; a process that wrote this part of it since keeps it too. */
const PRUNED_AFTER = 1 / 8;
/** Of an entry without its path or parameters, roughly. */
const ENTRY_BYTES = 300;

/** Entries that may be lost: this process writes them once a second. */
export class EntryBuffer {
  private waiting = new Map<string, NewEntry[]>();
  private count = 0;
  private running: Promise<void> | null = null;
  private queued: Promise<void> | null = null;
  private lost = 0;
  private unprunedBytes = 0;

  constructor(private readonly context: Pick<CoreContext, 'store' | 'failures' | 'config'>) {}

  /** One session, however busy, leaves room for the others. */
  add(sessionId: string, entry: JournalEntry): void {
    this.put({ sessionId, entry });
  }

  /** Writes what waits now. Never rejects: what the store does not take waits for the next call. Calls while another waits share it. */
  flush(): Promise<void> {
    if (this.running === null) {
      this.running = this.write().finally(() => (this.running = null));
      return this.running;
    }
    // The one that runs took its entries before.
    this.queued ??= this.running.then(() => {
      this.queued = null;
      return this.flush();
    });
    return this.queued;
  }

  /** Of a session the latest are kept, as the store does. */
  private put(added: NewEntry): void {
    const ofSession = this.waiting.get(added.sessionId);
    if (ofSession && ofSession.length >= MOST_OF_SESSION) {
      ofSession.shift();
      ofSession.push(added);
      this.lost += 1;
    } else if (this.count >= MOST_WAITING) {
      this.lost += 1;
    } else {
      if (ofSession) ofSession.push(added);
      else this.waiting.set(added.sessionId, [added]);
      this.count += 1;
    }
  }

  private take(): NewEntry[] {
    const entries = [...this.waiting.values()].flat();
    this.waiting = new Map();
    this.count = 0;
    return entries;
  }

  private async write(): Promise<void> {
    const entries = this.take();
    for (let start = 0; start < entries.length; start += SLICE) {
      const some = entries.slice(start, start + SLICE);
      try {
        await this.context.store.journal.append(some);
      } catch (error) {
        for (const entry of [...entries.slice(start), ...this.take()]) this.put(entry);
        // That a newer version took the store over is told elsewhere.
        if (!hasCode(error, 'STORE_INCOMPATIBLE')) this.tell(describeError(error));
        return;
      }
      // If it fails, the next cleanup does it.
      await this.keepBound(some).catch(() => {});
    }
    if (this.lost > 0) this.tell('the store took none for long');
    this.lost = 0;
  }

  private async keepBound(written: readonly NewEntry[]): Promise<void> {
    this.unprunedBytes += written.reduce((sum, { entry }) => sum + bytesOf(entry), 0);
    if (this.unprunedBytes < this.context.config.journalMaxBytes * PRUNED_AFTER) return;
    this.unprunedBytes = 0;
    await pruneTimelines(this.context);
  }

  private tell(reason: string): void {
    this.context.failures.note(
      'Journal entries that were not written',
      `The journal is behind: ${this.count} entries wait, ${this.lost} are lost: ${reason}`,
      'warn',
    );
  }
}

function bytesOf(entry: JournalEntry): number {
  return ENTRY_BYTES + (entry.kind === 'request' ? (entry.path ?? entry.params ?? '').length : 0);
}

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
/** Of an entry without its path, roughly. */
const ENTRY_BYTES = 300;

/** Entries that may be lost: this process writes them once a second. */
export class EntryBuffer {
  private waiting: NewEntry[] = [];
  private ofSession = new Map<string, number>();
  private flushing: Promise<void> | null = null;
  private lost = 0;
  private unprunedBytes = 0;

  constructor(private readonly context: Pick<CoreContext, 'store' | 'failures' | 'config'>) {}

  /** One session, however busy, leaves room for the others. */
  add(sessionId: string, entry: JournalEntry): void {
    const ofSession = this.ofSession.get(sessionId) ?? 0;
    if (ofSession >= MOST_OF_SESSION) return;
    if (this.waiting.length >= MOST_WAITING) {
      this.lost += 1;
      return;
    }
    this.ofSession.set(sessionId, ofSession + 1);
    this.waiting.push({ sessionId, entry });
  }

  /** Never rejects: what the store does not take waits for the next call. Calls during a flush share it. */
  flush(): Promise<void> {
    if (this.waiting.length === 0) return this.flushing ?? Promise.resolve();
    this.flushing ??= this.write().finally(() => (this.flushing = null));
    return this.flushing;
  }

  private async write(): Promise<void> {
    const entries = this.waiting;
    this.waiting = [];
    this.ofSession = new Map();
    for (let start = 0; start < entries.length; start += SLICE) {
      const some = entries.slice(start, start + SLICE);
      try {
        await this.context.store.journal.append(some);
      } catch (error) {
        this.keep(entries.slice(start));
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

  private keep(entries: readonly NewEntry[]): void {
    const later = this.waiting;
    this.waiting = [];
    this.ofSession = new Map();
    for (const { sessionId, entry } of [...entries, ...later]) this.add(sessionId, entry);
  }

  private tell(reason: string): void {
    this.context.failures.note(
      'Journal entries that were not written',
      `The journal is behind: ${this.waiting.length} entries wait, ${this.lost} are lost: ${reason}`,
      'warn',
    );
  }
}

function bytesOf(entry: JournalEntry): number {
  return ENTRY_BYTES + (entry.kind === 'request' ? (entry.path?.length ?? 0) : 0);
}

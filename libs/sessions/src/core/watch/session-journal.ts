import { createHmac } from 'node:crypto';
import { isOperator, type Actor } from '../../domain/journal/actor.js';
import type { BeginEnd } from '../../ports/endings.js';
import type { DeedNote, JournalGroup, LoginNote } from '../../ports/record/journal.js';

const HOUR_MS = 3_600_000;
/** 128 bits: no two users share a hash. */
const HASH_LENGTH = 22;

/** Makes the notes that stores enter into timelines in the same step as a deed. */
export class SessionJournal {
  private key: Promise<string> | null = null;

  constructor(
    private readonly config: {
      readonly journal: 'off' | 'deeds' | 'requests';
      readonly journalHours: number;
    },
    private readonly journal: JournalGroup,
  ) {}

  get isOn(): boolean {
    return this.config.journal !== 'off';
  }

  /** `null` if nothing is entered. */
  note(by: Actor): DeedNote | null {
    return this.isOn ? { by } : null;
  }

  /** Rejects with `STORE_UNAVAILABLE` if the key of the hashes was never read, and the store does not answer. */
  async noteOfLogin(by: Actor, userId: string): Promise<LoginNote | null> {
    return this.isOn ? { by, userHash: await this.hashOf(userId) } : null;
  }

  /** What the audit needs is noted also without a journal. */
  noteOfEnd(by: Actor, at: number): Pick<BeginEnd, 'note' | 'keptUntil'> {
    if (!this.isOn) return isOperator(by) ? { note: { by } } : {};
    return { note: { by }, keptUntil: at + this.config.journalHours * HOUR_MS };
  }

  /** The keyed hash that stands for a user. */
  async hashOf(userId: string): Promise<string> {
    this.key ??= this.readKey();
    return createHmac('sha256', await this.key)
      .update(userId)
      .digest('base64url')
      .slice(0, HASH_LENGTH);
  }

  private async readKey(): Promise<string> {
    try {
      return await this.journal.key();
    } catch (error) {
      this.key = null;
      throw error;
    }
  }
}

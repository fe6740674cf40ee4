import type { Operator } from '../../../domain/journal/actor.js';
import type { AuditEntry } from '../../../domain/journal/audit-entry.js';
import type { JournalEntry, MarkEntry } from '../../../domain/journal/entry.js';
import type { BeginEnd } from '../../../ports/endings.js';
import type { DeedNote, LoginNote } from '../../../ports/record/journal.js';
import type { Placement } from '../../../ports/resources.js';

/*
 * Texts of entries: `instant:JSON`, the JSON without the instant (see `enter` in `journal.includes`). Of a deed whose end only the
 * script knows, the text has no closing brace. No note: ''.
 */

/** What `{ at, ...rest }` leaves would be an object of the slow kind: its JSON takes twice as long. */
export function entryText(entry: JournalEntry): string {
  return `${entry.at}:${JSON.stringify({ ...entry, at: undefined })}`;
}

export function openedText(at: number, note: DeedNote | null | undefined): string {
  return note ? markText(at, { kind: 'opened', by: note.by }) : '';
}

export function loginText(at: number, note: LoginNote | null | undefined): string {
  return note ? markText(at, { kind: 'login', by: note.by, userHash: note.userHash }) : '';
}

export function regeneratedText(at: number, note: DeedNote | null | undefined): string {
  return note ? markText(at, { kind: 'regenerated', by: note.by }) : '';
}

/** The script adds duration and requests of the session, and what it held. */
export function endedBeginning({ at, reason, note }: BeginEnd): string {
  return note ? `${at}:${beginning({ kind: 'ended', by: note.by, reason })}` : '';
}

/** The script adds id, type and size of the resource. */
export function evictedBeginning({ at, note }: Placement): string {
  return note ? `${at}:${beginning({ kind: 'evicted', by: note.by })}` : '';
}

/** The JSON of an entry of the audit, without its instant. */
export function auditJson({ at: _score, ...entry }: AuditEntry): string {
  return JSON.stringify(entry);
}

/** The script adds what the session held. */
export function auditBeginning(sessionId: string, by: Operator): string {
  return beginning({ by, deed: 'end', subject: sessionId, outcome: 'done', sessions: 1 });
}

/** An entry as it is stored, with its place in its timeline. */
export interface StoredEntry {
  readonly entry: JournalEntry;
  readonly number: number;
}

export function storedEntryOf(text: string): StoredEntry {
  const [number = '', at = ''] = text.split(':', 2);
  const json = text.slice(number.length + at.length + 2);
  return { entry: { ...(JSON.parse(json) as JournalEntry), at: Number(at) }, number: Number(number) };
}

/** By instant, then as they were written. */
export function inTime(a: StoredEntry, b: StoredEntry): number {
  return a.entry.at - b.entry.at || a.number - b.number;
}

function markText(at: number, mark: MarkEntry): string {
  return entryText({ at, ...mark });
}

function beginning(entry: object): string {
  return JSON.stringify(entry).slice(0, -1);
}

// The timelines of sessions and the audit. Triggers keep how many bytes they hold, so that no operation can forget them.
import type { EntryClass } from '../../../domain/journal/entry.js';
import { ENTRY_OVERHEAD_BYTES } from '../../../domain/journal/entry.js';

/** How a class is written: what is dropped last comes first. */
export const CLASS_NUMBERS: Readonly<Record<EntryClass, number>> = { mark: 0, deed: 1, request: 2 };

/**
 * Columns of `sessions`. An end with `keptUntil` writes the first two: when it was, and until when at least the tombstone is kept.
 * `user_hash`: of the latest login with a note.
 */
export const JOURNAL_COLUMNS = 'kept_from INTEGER, kept_until INTEGER, user_hash TEXT';

/** From when on a tombstone may be dropped. */
export const TOMBSTONE_ENDS_AT = 'max(expires_at, ifnull(kept_until, expires_at))';

/**
 * Columns of the table of the store. `journal_key`: of the hashes that stand for users; `rewrite_due`: so many users were
 * forgotten of whom unused parts of pages may still have traces.
 */
export const JOURNAL_STORE_COLUMNS = `journal_key TEXT NOT NULL,
    journal_bytes INTEGER NOT NULL DEFAULT 0,
    audit_bytes INTEGER NOT NULL DEFAULT 0,
    rewrite_due INTEGER NOT NULL DEFAULT 0`;

/** What the row counts for, in a trigger: `entries` is the number of its entries. */
function bytesOf(row: 'old' | 'new', entries: string): string {
  return `(octet_length(${row}.text) + ${ENTRY_OVERHEAD_BYTES} * ${entries})`;
}

/**
 * A row of `journal` has `count` entries of one session and class, as a JSON array in the order of their instants; `at` is that of
 * the first. Entries that came in one call share a row: that saves space. Keys rise, so that the order of rows of one instant is that
 * in which they were written. The index answers how many entries a session has of a class, and finds the oldest.
 */
export const JOURNAL_SCHEMA = `
  CREATE INDEX sessions_user_hash ON sessions (user_hash) WHERE user_hash IS NOT NULL;
  CREATE INDEX sessions_ended ON sessions (kept_from DESC, id) WHERE kept_from IS NOT NULL;

  CREATE TABLE journal (
    key INTEGER PRIMARY KEY,
    session_key INTEGER NOT NULL REFERENCES sessions (key) ON DELETE CASCADE,
    class INTEGER NOT NULL,
    at INTEGER NOT NULL,
    count INTEGER NOT NULL,
    text TEXT NOT NULL
  );
  CREATE INDEX journal_session ON journal (session_key, class, at, count);
  CREATE INDEX journal_requests ON journal (session_key) WHERE class = ${CLASS_NUMBERS.request};

  CREATE TRIGGER journal_added AFTER INSERT ON journal BEGIN
    UPDATE store SET journal_bytes = journal_bytes + ${bytesOf('new', 'new.count')};
  END;
  CREATE TRIGGER journal_cut AFTER UPDATE OF text, count ON journal BEGIN
    UPDATE store SET journal_bytes = journal_bytes + ${bytesOf('new', 'new.count')} - ${bytesOf('old', 'old.count')};
  END;
  CREATE TRIGGER journal_dropped AFTER DELETE ON journal BEGIN
    UPDATE store SET journal_bytes = journal_bytes - ${bytesOf('old', 'old.count')};
  END;

  CREATE TABLE audit (key INTEGER PRIMARY KEY, at INTEGER NOT NULL, text TEXT NOT NULL);
  CREATE INDEX audit_at ON audit (at);
  CREATE TRIGGER audit_added AFTER INSERT ON audit BEGIN
    UPDATE store SET audit_bytes = audit_bytes + ${bytesOf('new', '1')};
  END;
  CREATE TRIGGER audit_dropped AFTER DELETE ON audit BEGIN
    UPDATE store SET audit_bytes = audit_bytes - ${bytesOf('old', '1')};
  END;

  CREATE TABLE wrong_tokens (
    minute_at INTEGER NOT NULL,
    network TEXT NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (minute_at, network)
  ) WITHOUT ROWID;
`;

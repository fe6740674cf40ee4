// What sessions count for, summed up by the database itself: triggers keep the sums, so that no operation can forget them.

/** `countedOf` of the domain, in SQL; zeros of a session that is over. */
const COUNTED_RESOURCES =
  "iif(state = 'open', min(resource_count - stream_count + incoming_count, most_resources), 0)";
const COUNTED_BYTES = "iif(state = 'open', min(bytes_used + incoming_bytes, most_bytes), 0)";

/** Keys of budgets: of all sessions; of those of a user, or of a network without a user, whose name follows. */
export const BUDGET_OF_ALL = 'all';
export const BUDGET_OF_USER = 'user:';
export const BUDGET_OF_NETWORK = 'network:';

/** The budget that a session counts towards, besides that of all; `NULL` if it is over. */
const BUDGET = `iif(state = 'open',
        ifnull('${BUDGET_OF_USER}' || user_id, '${BUDGET_OF_NETWORK}' || network), NULL)`;

/** Columns of `sessions`. */
export const BUDGET_COLUMNS = `budget TEXT GENERATED ALWAYS AS (${BUDGET}) VIRTUAL,
    counted_resources INTEGER GENERATED ALWAYS AS (${COUNTED_RESOURCES}) VIRTUAL,
    counted_bytes INTEGER GENERATED ALWAYS AS (${COUNTED_BYTES}) VIRTUAL`;

/** In a trigger: adds the session to its budget, if it has one. */
const ADD_TO_BUDGET = `
    INSERT INTO budgets (key, sessions, resources, bytes)
    SELECT new.budget, 1, new.counted_resources, new.counted_bytes WHERE new.budget IS NOT NULL
    ON CONFLICT (key) DO UPDATE SET
      sessions = sessions + excluded.sessions, resources = resources + excluded.resources, bytes = bytes + excluded.bytes;`;

/** The table, and the triggers on `sessions`. */
export const BUDGETS_SCHEMA = `
  CREATE TABLE budgets (
    key TEXT PRIMARY KEY,
    sessions INTEGER NOT NULL DEFAULT 0,
    resources INTEGER NOT NULL DEFAULT 0,
    bytes INTEGER NOT NULL DEFAULT 0
  ) WITHOUT ROWID;
  INSERT INTO budgets (key) VALUES ('${BUDGET_OF_ALL}');

  CREATE TRIGGER session_opened AFTER INSERT ON sessions WHEN new.budget IS NOT NULL BEGIN
    ${ADD_TO_BUDGET}
  END;
  CREATE TRIGGER session_moved AFTER UPDATE OF state, user_id, network ON sessions WHEN old.budget IS NOT new.budget BEGIN
    UPDATE budgets SET
      sessions = sessions - 1, resources = resources - old.counted_resources, bytes = bytes - old.counted_bytes
    WHERE key = old.budget;
    DELETE FROM budgets WHERE key = old.budget AND sessions = 0;
    ${ADD_TO_BUDGET}
    UPDATE budgets SET
      resources = resources + new.counted_resources - old.counted_resources,
      bytes = bytes + new.counted_bytes - old.counted_bytes
    WHERE key = '${BUDGET_OF_ALL}';
  END;
  CREATE TRIGGER session_counted
  AFTER UPDATE OF state, resource_count, stream_count, bytes_used, incoming_count, incoming_bytes, most_resources, most_bytes
  ON sessions
  WHEN old.budget IS new.budget
    AND (old.counted_resources <> new.counted_resources OR old.counted_bytes <> new.counted_bytes)
  BEGIN
    UPDATE budgets SET
      resources = resources + new.counted_resources - old.counted_resources,
      bytes = bytes + new.counted_bytes - old.counted_bytes
    WHERE key IN ('${BUDGET_OF_ALL}', new.budget);
  END;
`;

import { PROVISIONAL_MS } from '../../../domain/lifetime.js';
import { STREAM_TYPE } from '../../../domain/resource.js';
import { BUDGET_COLUMNS, BUDGETS_SCHEMA } from './budgets.schema.js';
import {
  JOURNAL_COLUMNS,
  JOURNAL_SCHEMA,
  JOURNAL_STORE_COLUMNS,
  TOMBSTONE_ENDS_AT,
} from './journal.schema.js';
import { TRENDS_SCHEMA } from './trends.schema.js';

/** SQLite's `application_id` of our databases. */
export const APPLICATION_ID = 0x6e736573;

/**
 * The version of `SCHEMA`, stored in SQLite's `user_version`. Before the first release older versions are refused; after
 * it, each change is a new entry of `MIGRATIONS`.
 */
export const FIRST_SCHEMA = 16;

/** `isDisposable` of the domain, in SQL. */
export const IS_DISPOSABLE =
  'resource_count = 0 AND incoming_count = 0 AND data_bytes = 0 AND user_id IS NULL';

/** `accountOf` of the domain, in SQL. */
export const IS_IN_PLACE = "(state = 'ready' AND overdrawn_at IS NULL)";
export const IS_INCOMING = `(state <> 'releasing' AND NOT ${IS_IN_PLACE})`;
export const IS_STREAM = `(type = '${STREAM_TYPE}')`;

/** `isProvisional` of the domain, in SQL. */
const IS_PROVISIONAL = `confirmed = 0 AND ${IS_DISPOSABLE}`;

/** `evictionRank` of the domain, in SQL. */
const EVICTION_RANK = `
      CASE
        WHEN ${IS_PROVISIONAL} THEN 0
        WHEN confirmed = 0 AND user_id IS NULL THEN 1
        WHEN ${IS_DISPOSABLE} THEN 2
      END`;

/**
 * Ids and hashes are stored as bytes (see `values`). `idle_ends_at` is `idleEndsAt` of the domain, in SQL, so that an index
 * finds due sessions. A network has a row while its ring (see `RateRing`) counts openings; `sessions_network` counts its
 * provisional sessions. Partial indexes are small and exclude tombstones. The node of a stream is NULL. In `ending_parts`,
 * `NOBODY` is the node of the only part of an end if the session has no files: any node may finish it. `evicted_for` is the
 * first of the files that took the place of an evicted one. `data_writes` has the latest writes of data, of all sessions, so
 * that repeats are recognized. `resources_session` is a covering index for sweeps, which read all resource ids of each session.
 */
export const SCHEMA = `
  CREATE TABLE store (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    generation TEXT NOT NULL,
    counter INTEGER NOT NULL DEFAULT 0,
    seen_at INTEGER,
    clock_edition INTEGER NOT NULL DEFAULT 0,
    clock_doubted_until INTEGER,
    created INTEGER NOT NULL DEFAULT 0,
    open INTEGER NOT NULL DEFAULT 0,
    ending INTEGER NOT NULL DEFAULT 0,
    ended_duration_ms INTEGER NOT NULL DEFAULT 0,
    ${JOURNAL_STORE_COLUMNS}
  );

  CREATE TABLE clock_anchors (
    boot_id TEXT NOT NULL UNIQUE,
    wall_ms REAL NOT NULL,
    monotonic_ms REAL NOT NULL,
    last_seen_at INTEGER,
    wall_offset_ms REAL NOT NULL
  );

  CREATE TABLE sessions (
    key INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    token_hash BLOB NOT NULL UNIQUE,
    kept_authorities TEXT NOT NULL DEFAULT '',
    state TEXT NOT NULL DEFAULT 'open',
    end_reason TEXT,
    change INTEGER NOT NULL,
    user_id TEXT,
    ip_address TEXT NOT NULL,
    other_address TEXT,
    user_agent TEXT NOT NULL,
    network TEXT,
    created_at INTEGER NOT NULL,
    logged_in_at INTEGER,
    last_activity_at INTEGER NOT NULL,
    expires_at INTEGER NOT NULL,
    idle_ms INTEGER NOT NULL,
    remembered INTEGER NOT NULL DEFAULT 0,
    confirmed INTEGER NOT NULL DEFAULT 0,
    request_count INTEGER NOT NULL DEFAULT 1,
    resource_count INTEGER NOT NULL DEFAULT 0,
    bytes_used INTEGER NOT NULL DEFAULT 0,
    stream_count INTEGER NOT NULL DEFAULT 0,
    incoming_count INTEGER NOT NULL DEFAULT 0,
    incoming_bytes INTEGER NOT NULL DEFAULT 0,
    data_bytes INTEGER NOT NULL DEFAULT 0,
    most_resources INTEGER NOT NULL DEFAULT 0,
    most_bytes INTEGER NOT NULL DEFAULT 0,
    ${JOURNAL_COLUMNS},
    idle_ends_at INTEGER GENERATED ALWAYS AS (
      last_activity_at
      + CASE WHEN ${IS_PROVISIONAL} THEN min(${PROVISIONAL_MS}, idle_ms) ELSE idle_ms END
    ) VIRTUAL,
    eviction_rank INTEGER GENERATED ALWAYS AS (${EVICTION_RANK}
    ) VIRTUAL,
    provisional_network TEXT GENERATED ALWAYS AS (
      CASE WHEN state = 'open' AND ${IS_PROVISIONAL} THEN network END
    ) VIRTUAL,
    ${BUDGET_COLUMNS}
  );
  CREATE UNIQUE INDEX sessions_change ON sessions (change);
  CREATE INDEX sessions_idle ON sessions (idle_ends_at) WHERE state = 'open';
  CREATE INDEX sessions_expiry ON sessions (expires_at) WHERE state = 'open';
  CREATE INDEX sessions_tombstone ON sessions (${TOMBSTONE_ENDS_AT}) WHERE state = 'ended';
  CREATE INDEX sessions_created ON sessions (created_at) WHERE state = 'open';
  CREATE INDEX sessions_activity ON sessions (last_activity_at) WHERE state = 'open';
  CREATE INDEX sessions_user ON sessions (user_id) WHERE state = 'open' AND user_id IS NOT NULL;
  CREATE INDEX sessions_eviction ON sessions (eviction_rank, last_activity_at)
    WHERE state = 'open' AND eviction_rank IS NOT NULL;
  CREATE INDEX sessions_network_eviction ON sessions (network, eviction_rank, last_activity_at)
    WHERE network IS NOT NULL AND state = 'open' AND eviction_rank IS NOT NULL;
  CREATE INDEX sessions_network ON sessions (provisional_network, idle_ends_at) WHERE provisional_network IS NOT NULL;

  CREATE TABLE networks (network TEXT PRIMARY KEY, newest_slot INTEGER NOT NULL, counts TEXT NOT NULL) WITHOUT ROWID;

  ${BUDGETS_SCHEMA}
  CREATE INDEX sessions_bytes ON sessions (bytes_used DESC, id) WHERE state = 'open' AND bytes_used > 0;
  CREATE INDEX sessions_streams ON sessions (stream_count) WHERE state = 'open' AND stream_count > 0;
  CREATE INDEX sessions_resources ON sessions (resource_count) WHERE state = 'open' AND resource_count > 0;

  CREATE TABLE replaced_tokens (
    key INTEGER PRIMARY KEY,
    token_hash BLOB NOT NULL UNIQUE,
    session_key INTEGER NOT NULL REFERENCES sessions (key) ON DELETE CASCADE,
    replaced_at INTEGER NOT NULL
  );
  CREATE INDEX replaced_tokens_session ON replaced_tokens (session_key, key);
  CREATE INDEX replaced_tokens_age ON replaced_tokens (replaced_at);

  CREATE TABLE resources (
    key INTEGER PRIMARY KEY,
    id BLOB NOT NULL UNIQUE,
    session_key INTEGER NOT NULL REFERENCES sessions (key),
    type TEXT NOT NULL,
    purpose TEXT,
    file_name TEXT,
    media_type TEXT,
    size_bytes INTEGER NOT NULL DEFAULT 0,
    state TEXT NOT NULL,
    completed INTEGER NOT NULL,
    leased_until INTEGER,
    process_id BLOB,
    node_id BLOB,
    created_at INTEGER NOT NULL,
    last_used_at INTEGER NOT NULL,
    uses INTEGER NOT NULL DEFAULT 0,
    stalled_since INTEGER,
    overdrawn_at INTEGER,
    evicted_for BLOB
  );
  CREATE INDEX resources_session ON resources (session_key, id);
  CREATE INDEX resources_node ON resources (node_id);
  CREATE INDEX resources_process ON resources (process_id) WHERE process_id IS NOT NULL;
  CREATE INDEX resources_outgoing ON resources (session_key, node_id, size_bytes) WHERE state = 'releasing';
  CREATE INDEX resources_overdrawn ON resources (session_key, overdrawn_at) WHERE overdrawn_at IS NOT NULL;
  CREATE INDEX resources_releasing ON resources (node_id, leased_until) WHERE state = 'releasing';

  CREATE TABLE session_data (
    session_key INTEGER NOT NULL REFERENCES sessions (key),
    key TEXT NOT NULL,
    json TEXT NOT NULL,
    PRIMARY KEY (session_key, key)
  );

  ${JOURNAL_SCHEMA}
  ${TRENDS_SCHEMA}
  CREATE TABLE data_writes (operation TEXT PRIMARY KEY, at INTEGER NOT NULL) WITHOUT ROWID;
  CREATE INDEX data_writes_age ON data_writes (at);

  CREATE TABLE ending_parts (
    session_key INTEGER NOT NULL REFERENCES sessions (key),
    node_id BLOB NOT NULL,
    leased_until INTEGER NOT NULL,
    PRIMARY KEY (session_key, node_id)
  ) WITHOUT ROWID;
  CREATE INDEX ending_parts_lease ON ending_parts (node_id, leased_until);

  CREATE TABLE uses (
    resource_key INTEGER NOT NULL REFERENCES resources (key) ON DELETE CASCADE,
    process_id BLOB NOT NULL,
    count INTEGER NOT NULL,
    PRIMARY KEY (resource_key, process_id)
  ) WITHOUT ROWID;
  CREATE INDEX uses_process ON uses (process_id);

  CREATE TABLE processes (
    id BLOB PRIMARY KEY,
    role TEXT NOT NULL,
    host TEXT NOT NULL,
    pid INTEGER NOT NULL,
    at INTEGER NOT NULL,
    flushed_through_at INTEGER NOT NULL,
    node_id BLOB NOT NULL,
    address TEXT,
    beacon TEXT,
    key_ids TEXT NOT NULL,
    version TEXT NOT NULL,
    started_at INTEGER NOT NULL,
    limits TEXT NOT NULL,
    disk TEXT
  ) WITHOUT ROWID;

  CREATE TABLE nodes (id BLOB PRIMARY KEY, address TEXT, last_seen_at INTEGER NOT NULL) WITHOUT ROWID;

  CREATE TABLE jobs (
    job TEXT PRIMARY KEY,
    started_at INTEGER NOT NULL,
    duration_ms REAL NOT NULL,
    items INTEGER NOT NULL,
    failures INTEGER NOT NULL,
    next_run_at INTEGER,
    last_error TEXT,
    runs INTEGER NOT NULL,
    total_items INTEGER NOT NULL,
    total_failures INTEGER NOT NULL,
    last_success_at INTEGER
  ) WITHOUT ROWID;

  CREATE TABLE job_troubles (
    job TEXT NOT NULL,
    process_id BLOB NOT NULL,
    failed_runs INTEGER NOT NULL,
    waiting INTEGER NOT NULL,
    found INTEGER NOT NULL,
    PRIMARY KEY (job, process_id)
  ) WITHOUT ROWID;

  CREATE TABLE failures (
    node_id BLOB NOT NULL,
    item TEXT NOT NULL,
    tries INTEGER NOT NULL,
    retry_at INTEGER NOT NULL,
    PRIMARY KEY (node_id, item)
  ) WITHOUT ROWID;

  CREATE TABLE ended_totals (reason TEXT PRIMARY KEY, sessions INTEGER NOT NULL) WITHOUT ROWID;

  CREATE TABLE type_totals (
    type TEXT PRIMARY KEY,
    active INTEGER NOT NULL,
    active_bytes INTEGER NOT NULL,
    released INTEGER NOT NULL,
    released_bytes INTEGER NOT NULL,
    evicted INTEGER NOT NULL
  ) WITHOUT ROWID;
`;

/** Forgets the tokens that were replaced at `:before` or earlier. */
export const DROP_REPLACED_SQL = 'DELETE FROM replaced_tokens WHERE replaced_at <= :before';

/** Entry n migrates a database from schema `FIRST_SCHEMA` + n to the next. */
export const MIGRATIONS: readonly string[] = [];

/** At most `:most` by each of the three. Each part reads one index, from the bound on. The `> 0` are those of the indexes. */
export const ABOVE_KEYS_SQL = `
    SELECT * FROM (
      SELECT key FROM sessions WHERE state = 'open' AND bytes_used > :bytes AND bytes_used > 0 LIMIT :most)
    UNION
    SELECT * FROM (
      SELECT key FROM sessions WHERE state = 'open' AND resource_count > :files AND resource_count > 0
        AND resource_count - stream_count > :files
      LIMIT :most)
    UNION
    SELECT * FROM (
      SELECT key FROM sessions WHERE state = 'open' AND stream_count > :streams AND stream_count > 0 LIMIT :most)`;

export const ABOVE_SQL = `
  SELECT id FROM sessions WHERE state = 'open' AND key IN (${ABOVE_KEYS_SQL}) LIMIT :most`;

/** The database of rates, of any version. `state` is JSON; a key of which nothing counts any more is found by `empty_at`. */
export const RATES_SCHEMA = `
  CREATE TABLE IF NOT EXISTS rates (
    key TEXT PRIMARY KEY, state TEXT NOT NULL, empty_at INTEGER NOT NULL
  ) STRICT, WITHOUT ROWID;
  CREATE INDEX IF NOT EXISTS rates_empty ON rates (empty_at)`;

import { NOBODY } from '../../../../domain/ids.js';
import { END_REASONS } from '../../../../domain/session.js';
import { LATEST_LEASE_MS } from '../../../../ports/endings.js';
import { numberOf } from '../../database/values.js';
import { assignments, differ, realValues, type InspectionRule } from './inspection-rule.js';

/** Whoever cleans up leases within a minute what is free. */
const OVERDUE_MS = 600_000;

const SESSION_STATES = "'open', 'ending', 'ended'";
const RESOURCE_STATES = "'writing', 'complete', 'ready', 'releasing'";
const REASONS = END_REASONS.map((reason) => `'${reason}'`).join(', ');

/** Rows whose owner is gone. */
function lostRule(table: string, isLost: string): InspectionRule {
  return {
    name: `lost-${table}`,
    fault: 'lost-rows',
    slices: null,
    wrong: `SELECT '${table}' AS subject, count(*) || ' rows' AS detail FROM ${table} WHERE ${isLost} HAVING count(*) > 0`,
    mend: (_row, run) => run(`DELETE FROM ${table} WHERE ${isLost}`),
  };
}

function ofNoSession(table: string): string {
  return `NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.key = ${table}.session_key)`;
}

const LOST_ROWS = [
  // Also those of ended sessions: an end leaves none.
  lostRule(
    'resources',
    "NOT EXISTS (SELECT 1 FROM sessions WHERE sessions.key = resources.session_key AND sessions.state <> 'ended')",
  ),
  lostRule('uses', 'NOT EXISTS (SELECT 1 FROM resources WHERE resources.key = uses.resource_key)'),
  ...['session_data', 'journal', 'replaced_tokens', 'ending_parts'].map((table) =>
    lostRule(table, ofNoSession(table)),
  ),
];

const HAS_PARTS = 'EXISTS (SELECT 1 FROM ending_parts WHERE session_key = sessions.key)';
const NODE_WITHOUT_PART = `
  resources.session_key = sessions.key AND resources.node_id IS NOT NULL
  AND NOT EXISTS (
    SELECT 1 FROM ending_parts WHERE session_key = sessions.key AND ending_parts.node_id = resources.node_id)`;

const END_PARTS: InspectionRule = {
  name: 'end-parts',
  fault: 'end-parts',
  slices: 'sessions',
  wrong: `
    SELECT id AS subject, key, state = 'ending' AS is_ending,
      iif(state = 'ending', 'no node has the part of its files', 'parts of an end that did not begin') AS detail
    FROM sessions WHERE key > :after AND key <= :through
      AND iif(state = 'ending', NOT ${HAS_PARTS} OR EXISTS (SELECT 1 FROM resources WHERE ${NODE_WITHOUT_PART}), ${HAS_PARTS})`,
  mend(row, run) {
    const key = numberOf(row, 'key');
    if (row['is_ending'] === 0) return run('DELETE FROM ending_parts WHERE session_key = :key', { key });
    run(
      `INSERT INTO ending_parts (session_key, node_id, leased_until)
       SELECT DISTINCT sessions.key, resources.node_id, 0 FROM sessions JOIN resources ON ${NODE_WITHOUT_PART} WHERE sessions.key = :key`,
      { key },
    );
    return run(
      `INSERT INTO ending_parts (session_key, node_id, leased_until)
       SELECT key, '${NOBODY}', 0 FROM sessions WHERE key = :key AND NOT ${HAS_PARTS}`,
      { key },
    );
  },
};

const CHANGE_COUNTER: InspectionRule = {
  name: 'change-counter',
  fault: 'change-counter',
  slices: null,
  wrong: `
    SELECT 'feed' AS subject, counter AS kept_counter,
      max(counter, ifnull((SELECT max(change) FROM sessions), 0)) AS real_counter
    FROM store WHERE ${differ(['counter'])}`,
  mend: (row, run) => run(`UPDATE store SET ${assignments(['counter'])}`, realValues(row, ['counter'])),
};

const NODES: InspectionRule = {
  name: 'nodes',
  fault: 'unknown-node',
  slices: null,
  wrong: `
    SELECT node_id AS subject, 'has ' || count(*) || ' files' AS detail FROM resources
    WHERE node_id IS NOT NULL AND node_id NOT IN (SELECT id FROM nodes) GROUP BY node_id`,
  // Never seen: an operator can forget it, or its server comes back.
  mend: (row, run) =>
    run('INSERT INTO nodes (id, address, last_seen_at) VALUES (:id, NULL, 0)', {
      id: row['subject'] ?? null,
    }),
};

function leaseRule(table: 'resources' | 'ending_parts', subject: string, mend: string): InspectionRule {
  return {
    name: `leases-${table}`,
    fault: 'lease',
    slices: null,
    asksAt: true,
    wrong: `
      SELECT ${subject} AS subject, 'leased until ' || datetime(leased_until / 1000, 'unixepoch') AS detail
      FROM ${table} WHERE leased_until > :at + ${LATEST_LEASE_MS}`,
    mend: (row, run) => run(mend, { id: row['subject'] ?? null }),
  };
}

const LEASES = [
  leaseRule('resources', 'id', 'UPDATE resources SET leased_until = 0 WHERE id = :id'),
  leaseRule(
    'ending_parts',
    '(SELECT id FROM sessions WHERE key = session_key)',
    'UPDATE ending_parts SET leased_until = 0 WHERE session_key = (SELECT key FROM sessions WHERE id = :id)',
  ),
];

/** A lease of 0 was never taken: nobody knows since when. */
const OVERDUE: InspectionRule = {
  name: 'overdue',
  fault: 'overdue',
  slices: null,
  asksAt: true,
  wrong: `
    WITH waiting AS (
      SELECT node_id, leased_until FROM resources WHERE state = 'releasing'
      UNION ALL SELECT node_id, leased_until FROM ending_parts)
    SELECT ifnull(node_id, '${NOBODY}') AS subject, count(*) || ' ends or releases wait' AS detail FROM waiting
    WHERE leased_until > 0 AND leased_until < :at - ${OVERDUE_MS} GROUP BY node_id`,
};

const UNREADABLE: readonly InspectionRule[] = [
  {
    name: 'unreadable-sessions',
    fault: 'unreadable',
    slices: 'sessions',
    wrong: `
      SELECT id AS subject, 'session with state ' || quote(state) || ' and reason ' || quote(end_reason) AS detail FROM sessions
      WHERE key > :after AND key <= :through
        AND (state NOT IN (${SESSION_STATES}) OR end_reason NOT IN (${REASONS}) OR (state <> 'open' AND end_reason IS NULL))`,
  },
  {
    name: 'unreadable-resources',
    fault: 'unreadable',
    slices: 'resources',
    wrong: `
      SELECT id AS subject, 'resource with state ' || quote(state) AS detail FROM resources
      WHERE key > :after AND key <= :through AND state NOT IN (${RESOURCE_STATES})`,
  },
];

/** Subjects are processes. The class that has the rules mends it: it gives up what they held. */
export const UNOWNED: InspectionRule = {
  name: 'unowned',
  fault: 'unowned',
  slices: null,
  wrong: `
    WITH held AS (
      SELECT process_id FROM resources WHERE process_id IS NOT NULL AND state <> 'releasing'
      UNION ALL SELECT process_id FROM uses)
    SELECT process_id AS subject, count(*) || ' uploads, reads or streams' AS detail FROM held
    WHERE process_id NOT IN (SELECT id FROM processes) GROUP BY process_id`,
};

export const ROW_RULES: readonly InspectionRule[] = [
  ...UNREADABLE,
  ...LOST_ROWS,
  END_PARTS,
  CHANGE_COUNTER,
  NODES,
  UNOWNED,
  ...LEASES,
  OVERDUE,
];

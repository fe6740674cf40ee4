import { ENTRY_OVERHEAD_BYTES } from '../../../../domain/journal/entry.js';
import { BUDGET_OF_ALL } from '../../database/budgets.schema.js';
import { IS_INCOMING, IS_IN_PLACE, IS_STREAM } from '../../database/schema.js';
import { numberOf, textOf } from '../../database/values.js';
import { assignments, differ, pairs, realValues, type InspectionRule } from './inspection-rule.js';

const COUNTS = ['resource_count', 'bytes_used', 'stream_count', 'incoming_count', 'incoming_bytes'];
const USAGE = ['sessions', 'resources', 'bytes'];
const ACTIVE = ['active', 'active_bytes'];
const STATES = ['open', 'ending'];

const SESSION_COUNTS: InspectionRule = {
  name: 'session-counts',
  fault: 'session-counts',
  slices: 'sessions',
  wrong: `
    WITH held AS (
      SELECT session_key, sum(${IS_IN_PLACE}) AS resource_count, sum(${IS_IN_PLACE} * size_bytes) AS bytes_used,
        sum(${IS_IN_PLACE} AND ${IS_STREAM}) AS stream_count,
        sum(${IS_INCOMING}) AS incoming_count, sum(${IS_INCOMING} * size_bytes) AS incoming_bytes
      FROM resources WHERE session_key > :after AND session_key <= :through GROUP BY session_key)
    SELECT sessions.id AS subject, sessions.key AS key, ${pairs(COUNTS, 'sessions', 'held')}
    FROM sessions LEFT JOIN held ON held.session_key = sessions.key
    WHERE sessions.key > :after AND sessions.key <= :through AND sessions.state <> 'ended' AND (${differ(COUNTS)})`,
  // The triggers correct the budgets by the difference.
  mend: (row, run) =>
    run(`UPDATE sessions SET ${assignments(COUNTS)} WHERE key = :key`, {
      key: numberOf(row, 'key'),
      ...realValues(row, COUNTS),
    }),
};

const DATA_BYTES: InspectionRule = {
  name: 'data-bytes',
  fault: 'data-bytes',
  slices: 'sessions',
  wrong: `
    WITH held AS (
      SELECT session_key, sum(octet_length(key) + octet_length(json)) AS data_bytes
      FROM session_data WHERE session_key > :after AND session_key <= :through GROUP BY session_key)
    SELECT sessions.id AS subject, sessions.key AS key, ${pairs(['data_bytes'], 'sessions', 'held')}
    FROM sessions LEFT JOIN held ON held.session_key = sessions.key
    WHERE sessions.key > :after AND sessions.key <= :through AND ${differ(['data_bytes'])}`,
  mend: (row, run) =>
    run('UPDATE sessions SET data_bytes = :data_bytes WHERE key = :key', {
      key: numberOf(row, 'key'),
      ...realValues(row, ['data_bytes']),
    }),
};

const BUDGETS: InspectionRule = {
  name: 'budgets',
  fault: 'budget',
  slices: null,
  wrong: `
    WITH counted AS (
      SELECT budget AS key, count(*) AS sessions, sum(counted_resources) AS resources, sum(counted_bytes) AS bytes
      FROM sessions WHERE state = 'open' AND budget IS NOT NULL GROUP BY budget
      UNION ALL
      SELECT '${BUDGET_OF_ALL}', 0, sum(counted_resources), sum(counted_bytes) FROM sessions WHERE state = 'open')
    SELECT key AS subject, ${pairs(USAGE, 'budgets', 'counted')}
    FROM budgets FULL JOIN counted USING (key) WHERE ${differ(USAGE)}`,
  mend(row, run) {
    const key = textOf(row, 'subject');
    const usage = realValues(row, USAGE);
    if (usage['sessions'] === 0 && key !== BUDGET_OF_ALL)
      return run('DELETE FROM budgets WHERE key = :key', { key });
    return run(
      `INSERT INTO budgets (key, sessions, resources, bytes) VALUES (:key, :sessions, :resources, :bytes)
       ON CONFLICT (key) DO UPDATE SET sessions = excluded.sessions, resources = excluded.resources, bytes = excluded.bytes`,
      { key, ...usage },
    );
  },
};

const TYPES: InspectionRule = {
  name: 'types',
  fault: 'totals',
  slices: null,
  wrong: `
    WITH counted AS (SELECT type, count(*) AS active, sum(size_bytes) AS active_bytes FROM resources GROUP BY type)
    SELECT type AS subject, ${pairs(ACTIVE, 'type_totals', 'counted')}
    FROM type_totals FULL JOIN counted USING (type) WHERE ${differ(ACTIVE)}`,
  mend: (row, run) =>
    run(
      `INSERT INTO type_totals (type, active, active_bytes, released, released_bytes, evicted)
       VALUES (:type, :active, :active_bytes, 0, 0, 0)
       ON CONFLICT (type) DO UPDATE SET active = excluded.active, active_bytes = excluded.active_bytes`,
      { type: textOf(row, 'subject'), ...realValues(row, ACTIVE) },
    ),
};

const SESSIONS: InspectionRule = {
  name: 'sessions',
  fault: 'totals',
  slices: null,
  wrong: `
    WITH counted AS (SELECT total(state = 'open') AS open, total(state = 'ending') AS ending FROM sessions)
    SELECT 'sessions' AS subject, ${pairs(STATES, 'store', 'counted')} FROM store JOIN counted WHERE ${differ(STATES)}`,
  mend: (row, run) => run(`UPDATE store SET ${assignments(STATES)}`, realValues(row, STATES)),
};

const USES: InspectionRule = {
  name: 'uses',
  fault: 'uses',
  slices: 'resources',
  wrong: `
    WITH counted AS (
      SELECT resource_key, sum(count) AS uses FROM uses
      WHERE resource_key > :after AND resource_key <= :through GROUP BY resource_key)
    SELECT resources.id AS subject, resources.key AS key, ${pairs(['uses'], 'resources', 'counted')}
    FROM resources LEFT JOIN counted ON counted.resource_key = resources.key
    WHERE resources.key > :after AND resources.key <= :through AND ${differ(['uses'])}`,
  mend: (row, run) =>
    run('UPDATE resources SET uses = :uses WHERE key = :key', {
      key: numberOf(row, 'key'),
      ...realValues(row, ['uses']),
    }),
};

/** What is kept is the sum of what the rows count for. */
function bytesRule(table: 'journal' | 'audit', entries: string): InspectionRule {
  const column = `${table}_bytes`;
  return {
    name: column,
    fault: 'journal-bytes',
    slices: null,
    wrong: `
      WITH counted AS (SELECT total(octet_length(text) + ${ENTRY_OVERHEAD_BYTES} * ${entries}) AS ${column} FROM ${table})
      SELECT '${table}' AS subject, ${pairs([column], 'store', 'counted')} FROM store JOIN counted WHERE ${differ([column])}`,
    mend: (row, run) => run(`UPDATE store SET ${assignments([column])}`, realValues(row, [column])),
  };
}

export const COUNT_RULES: readonly InspectionRule[] = [
  SESSION_COUNTS,
  DATA_BYTES,
  USES,
  BUDGETS,
  TYPES,
  SESSIONS,
  bytesRule('journal', 'count'),
  bytesRule('audit', '1'),
];

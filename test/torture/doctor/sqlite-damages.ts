import { randomBytes, randomUUID } from 'node:crypto';
import { packed } from '../processes/database.ts';
import { FILE_DAMAGES, idBeside } from './file-damages.ts';
import type { Damage } from './round.ts';
import type { SqliteGround, Victim } from './sqlite-ground.ts';

type SqliteDamage = Damage<SqliteGround, Victim>;

const NOBODY_KEY = 999_999_999;
const FAR_MS = 400 * 24 * 3_600_000;

function counter(name: string, column: string): SqliteDamage {
  return {
    name,
    plant(ground, { id, key }) {
      ground.run(`UPDATE sessions SET ${column} = ${column} + ? WHERE key = ?`, ground.upTo(9), key);
      return { code: column === 'data_bytes' ? 'data-bytes' : 'session-counts', subject: id, isMended: true };
    },
  };
}

function lost(
  table: string,
  insert: (ground: SqliteGround) => void,
  alsoCodes: readonly string[] = [],
): SqliteDamage {
  return {
    name: `a row of ${table} without its owner`,
    plant(ground) {
      insert(ground);
      return { code: 'lost-rows', subject: table, alsoCodes, isMended: true };
    },
  };
}

/** The row of a resource, in columns and values. */
function resourceRow(
  id: string,
  sessionKey: number,
  state: string,
  processId: string | null,
  nodeId: string,
) {
  const row = {
    id: packed(id),
    session_key: sessionKey,
    type: 'audio_file',
    size_bytes: 10,
    state,
    completed: 0,
    process_id: processId === null ? null : packed(processId),
    node_id: packed(nodeId),
    created_at: Date.now(),
    last_used_at: Date.now(),
  };
  const columns = Object.keys(row);
  return {
    sql: `INSERT INTO resources (${columns.join()}) VALUES (${columns.map(() => '?').join()})`,
    values: Object.values(row),
  };
}

export const SQLITE_DAMAGES: readonly SqliteDamage[] = [
  ...FILE_DAMAGES,
  counter('the resources of a session', 'resource_count'),
  counter('the bytes of a session', 'bytes_used'),
  counter('the streams of a session', 'stream_count'),
  counter('what is on its way into a session', 'incoming_bytes'),
  counter('the data of a session', 'data_bytes'),
  {
    name: 'the budget of a user',
    plant(ground, { userId }) {
      ground.run(
        'UPDATE budgets SET bytes = bytes + ?, sessions = sessions + 1 WHERE key = ?',
        ground.upTo(99),
        `user:${userId}`,
      );
      return { code: 'budget', subject: `user:${userId}`, isMended: true };
    },
  },
  {
    name: 'the budget of a user is gone',
    plant(ground, { userId }) {
      ground.run('DELETE FROM budgets WHERE key = ?', `user:${userId}`);
      return { code: 'budget', subject: `user:${userId}`, isMended: true };
    },
  },
  {
    name: 'the budget of all',
    plant(ground) {
      ground.run(
        "UPDATE budgets SET bytes = bytes + ?, resources = 0 WHERE key = 'all'",
        ground.upTo(99_999),
      );
      return { code: 'budget', subject: 'all', isMended: true };
    },
  },
  {
    name: 'a budget of nobody',
    plant(ground) {
      const key = `user:nobody ${ground.upTo(9)}`;
      ground.run('INSERT INTO budgets (key, sessions, resources, bytes) VALUES (?, 1, 2, 3)', key);
      return { code: 'budget', subject: key, isMended: true };
    },
  },
  {
    name: 'the totals of a type',
    plant(ground) {
      ground.run(
        "UPDATE type_totals SET active = active - 1, active_bytes = active_bytes + ? WHERE type = 'audio_file'",
        ground.upTo(99),
      );
      return { code: 'totals', subject: 'audio_file', isMended: true };
    },
  },
  {
    name: 'the number of open sessions',
    plant(ground) {
      ground.run('UPDATE store SET open = open + ?, ending = ending + 1', ground.upTo(9));
      return { code: 'totals', subject: 'sessions', isMended: true };
    },
  },
  {
    name: 'the bytes of timelines',
    plant(ground) {
      ground.run('UPDATE store SET journal_bytes = journal_bytes - ?', ground.upTo(99));
      return { code: 'journal-bytes', subject: 'journal', isMended: true };
    },
  },
  {
    name: 'the bytes of the audit',
    plant(ground) {
      ground.run('UPDATE store SET audit_bytes = audit_bytes + ?', ground.upTo(99));
      return { code: 'journal-bytes', subject: 'audit', isMended: true };
    },
  },
  {
    name: 'the reads of a file',
    plant(ground, { file }) {
      ground.run('UPDATE resources SET uses = uses + 1 WHERE key = ?', file.key);
      return { code: 'uses', subject: file.id, isMended: true };
    },
  },
  {
    name: 'a read of a process that is not there',
    plant(ground, { file }) {
      const processId = randomUUID();
      ground.run('UPDATE resources SET uses = uses + 1 WHERE key = ?', file.key);
      ground.run(
        'INSERT INTO uses (resource_key, process_id, count) VALUES (?, ?, 1)',
        file.key,
        packed(processId),
      );
      return { code: 'unowned', subject: processId, isMended: true };
    },
  },
  {
    name: 'an upload of a process that is not there',
    plant(ground, { id, key }) {
      const [resourceId, processId] = [idBeside(id), randomUUID()];
      const { sql, values } = resourceRow(
        resourceId,
        key,
        'writing',
        processId,
        ground.core.thisProcess.nodeId,
      );
      ground.run(sql, ...values);
      ground.run(
        'UPDATE sessions SET incoming_count = incoming_count + 1, incoming_bytes = incoming_bytes + 10 WHERE key = ?',
        key,
      );
      ground.run(
        "UPDATE type_totals SET active = active + 1, active_bytes = active_bytes + 10 WHERE type = 'audio_file'",
      );
      // The next cleanup finishes the release.
      const resourceKey = ground.number('SELECT key FROM resources WHERE id = ?', packed(resourceId));
      return {
        code: 'unowned',
        subject: processId,
        isMended: true,
        leaves: [`resources ${resourceKey}`, 'type_totals audio_file'],
      };
    },
  },
  lost('session_data', (ground) =>
    ground.run("INSERT INTO session_data (session_key, key, json) VALUES (?, 'a', '1')", NOBODY_KEY),
  ),
  lost('journal', (ground) =>
    ground.run(
      "INSERT INTO journal (session_key, class, at, count, text) VALUES (?, 1, 1, 1, '[]')",
      NOBODY_KEY,
    ),
  ),
  lost('replaced_tokens', (ground) =>
    ground.run(
      'INSERT INTO replaced_tokens (token_hash, session_key, replaced_at) VALUES (?, ?, ?)',
      randomBytes(34),
      NOBODY_KEY,
      Date.now(),
    ),
  ),
  lost('ending_parts', (ground) =>
    ground.run(
      'INSERT INTO ending_parts (session_key, node_id, leased_until) VALUES (?, ?, 0)',
      NOBODY_KEY,
      randomBytes(16),
    ),
  ),
  lost('uses', (ground) =>
    ground.run(
      'INSERT INTO uses (resource_key, process_id, count) VALUES (?, ?, 1)',
      NOBODY_KEY,
      packed(ground.core.thisProcess.id),
    ),
  ),
  lost(
    'resources',
    (ground) => {
      const { sql, values } = resourceRow(
        randomUUID(),
        NOBODY_KEY,
        'ready',
        null,
        ground.core.thisProcess.nodeId,
      );
      ground.run(sql, ...values);
    },
    ['totals'],
  ),
  {
    name: 'an end that no node finishes',
    plant(ground, { id, key, userId }) {
      ground.run(
        "UPDATE sessions SET state = 'ending', end_reason = 'ended', network = NULL WHERE key = ?",
        key,
      );
      ground.run('UPDATE store SET open = open - 1, ending = ending + 1');
      const leaves = [
        `sessions ${key}`,
        `ending_parts ${key}:`,
        'store 1',
        `budgets user:${userId}`,
        'budgets all',
      ];
      return { code: 'end-parts', subject: id, isMended: true, leaves };
    },
  },
  {
    name: 'parts of an end that did not begin',
    plant(ground, { id, key }) {
      ground.run(
        'INSERT INTO ending_parts (session_key, node_id, leased_until) VALUES (?, ?, 0)',
        key,
        packed(ground.core.thisProcess.nodeId),
      );
      return { code: 'end-parts', subject: id, isMended: true };
    },
  },
  {
    name: 'the counter of changes',
    plant(ground) {
      ground.run('UPDATE store SET counter = counter - ?', ground.upTo(3));
      return { code: 'change-counter', subject: 'feed', isMended: true };
    },
  },
  {
    name: 'a lease for more than a year',
    plant(ground, { file }) {
      ground.run('UPDATE resources SET leased_until = ? WHERE key = ?', Date.now() + FAR_MS, file.key);
      return { code: 'lease', subject: file.id, isMended: true, leaves: [`resources ${file.key}`] };
    },
  },
  {
    name: 'a file of a node that is not there',
    plant(ground, { file }) {
      const nodeId = randomUUID();
      const before = ground.core.thisProcess.nodeId;
      ground.run('UPDATE resources SET node_id = ? WHERE key = ?', packed(nodeId), file.key);
      return {
        code: 'unknown-node',
        subject: nodeId,
        // It can be forgotten then, which an operator decides.
        alsoCodes: ['node-away'],
        isMended: true,
        leaves: [`resources ${file.key}`],
        undo: () => {
          ground.run('UPDATE resources SET node_id = ? WHERE key = ?', packed(before), file.key);
          ground.run('DELETE FROM nodes WHERE id = ?', packed(nodeId));
        },
      };
    },
  },
  {
    name: 'a record that nobody can read',
    standsAlone: true,
    plant(ground, { file }) {
      ground.run("UPDATE resources SET state = 'raedy' WHERE key = ?", file.key);
      const undo = (): void => ground.run("UPDATE resources SET state = 'ready' WHERE key = ?", file.key);
      return { code: 'unreadable', subject: file.id, alsoCodes: ['session-counts'], isMended: false, undo };
    },
  },
  {
    name: 'an item that no cleanup finishes',
    plant(ground) {
      const [node, item] = [packed(ground.core.thisProcess.nodeId), `Trash ${randomUUID()}`];
      ground.run(
        'INSERT INTO failures (node_id, item, tries, retry_at) VALUES (?, ?, 6, ?)',
        node,
        item,
        Date.now(),
      );
      const undo = (): void => ground.run('DELETE FROM failures WHERE item = ?', item);
      return { code: 'stuck', subject: item, isMended: false, undo };
    },
  },
];

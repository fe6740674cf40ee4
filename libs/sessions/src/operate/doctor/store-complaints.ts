import { setTimeout as wait } from 'node:timers/promises';
import type { SessionsCore } from '../../core/core.js';
import { SILENT_AFTER_MS } from '../../core/process/this-process.js';
import { NOT_MENDED, type StoreFault, type StoreFinding } from '../../ports/inspection.js';
import { complaint, type Complaint, type Severity } from './complaint.js';

interface Wording {
  readonly severity: Severity;
  readonly what: (subject: string) => string;
  readonly remedy: string;
}

const REPAIR = 'Run: doctor --repair';
const RESTORE =
  'Stop the servers, copy the database away, and restore a backup: what cannot be read cannot be mended.';

const WORDINGS: Readonly<Record<StoreFault, Wording>> = {
  'session-counts': {
    severity: 'warning',
    what: (id) => `Session ${id} counts other resources than it has`,
    remedy: REPAIR,
  },
  'data-bytes': {
    severity: 'warning',
    what: (id) => `Session ${id} counts other bytes of data than it has`,
    remedy: REPAIR,
  },
  budget: {
    severity: 'warning',
    what: (key) => `Budget ${key} is not the sum of its sessions`,
    remedy: REPAIR,
  },
  totals: {
    severity: 'warning',
    what: (name) => `The totals of ${name} are not those of the records`,
    remedy: REPAIR,
  },
  'journal-bytes': {
    severity: 'warning',
    what: (name) => `The bytes of the ${name} are not those of its entries`,
    remedy: REPAIR,
  },
  uses: {
    severity: 'warning',
    what: (id) => `Resource ${id} counts other reads than processes have begun`,
    remedy: REPAIR,
  },
  index: {
    severity: 'warning',
    what: (name) => `Index ${name} does not fit its records`,
    remedy: REPAIR,
  },
  'lost-rows': {
    severity: 'warning',
    what: (table) => `${table} has entries of sessions or resources that are gone`,
    remedy: REPAIR,
  },
  'end-parts': {
    severity: 'error',
    what: (id) => `The end of session ${id} is not as its state says`,
    remedy: REPAIR,
  },
  'change-counter': {
    severity: 'error',
    what: () => 'The counter of changes is behind: servers would not hear of the next ends',
    remedy: REPAIR,
  },
  unowned: {
    severity: 'error',
    what: (id) => `Process ${id} is not listed, and still holds something`,
    remedy: REPAIR,
  },
  lease: {
    severity: 'error',
    what: (id) => `A lease on ${id} ends later than any process takes one, so nobody finishes it`,
    remedy: REPAIR,
  },
  'unknown-node': {
    severity: 'warning',
    what: (id) => `Node ${id} is not listed`,
    remedy: `${REPAIR}; then start its server, or run: nodes forget <id>`,
  },
  overdue: {
    severity: 'warning',
    what: (id) => `What node ${id} has to delete waits for more than ten minutes`,
    remedy: 'Start a server on that node or run cleanup there. If it will not return: nodes forget <id>',
  },
  unreadable: {
    severity: 'error',
    what: (id) => `No process can read record ${id}`,
    remedy: 'Somebody else has written to the store: find out who, and restore a backup.',
  },
  integrity: {
    severity: 'error',
    what: (table) => `The database is damaged in table ${table}`,
    remedy: RESTORE,
  },
  'server-settings': {
    severity: 'warning',
    what: (name) => `Setting ${name} of the database server`,
    remedy: 'Change the setting of the server.',
  },
};

/** What concerns processes may be in motion: one that was suspended registers again with its next heartbeat. */
const IN_MOTION: ReadonlySet<StoreFault> = new Set<StoreFault>(['unowned', 'unknown-node', 'index']);
export const MOTION_MS = SILENT_AFTER_MS / 2;

/** What the store finds wrong with its own data, and finds again when it looks a second time. */
export async function storeComplaints(
  core: SessionsCore,
  motionMs: number,
  signal: AbortSignal,
): Promise<Complaint[]> {
  const { store, clock } = core;
  const candidates: StoreFinding[] = [];
  let cursor: string | null = null;
  do {
    const { findings, next } = await store.inspection.check(cursor, clock.now());
    candidates.push(...findings);
    cursor = next;
  } while (cursor !== null && !signal.aborted);
  if (candidates.some(({ fault }) => IN_MOTION.has(fault))) await wait(motionMs, undefined, { signal });
  const complaints: Complaint[] = [];
  for (const candidate of candidates) {
    const found = await store.inspection.recheck(candidate, clock.now());
    if (found !== null) complaints.push(complaintOf(core, found));
  }
  return complaints;
}

/** Of settings of a database server; others are warnings. */
const SETTING_SEVERITIES: Readonly<Record<string, Severity>> = {
  'maxmemory-policy': 'error',
  persistence: 'error',
  cluster: 'error',
  // What it costs is the operator's choice: see docs/several-servers.md.
  appendonly: 'info',
};

function complaintOf({ store, clock }: SessionsCore, finding: StoreFinding): Complaint {
  const { fault, subject, detail } = finding;
  const { what, remedy } = WORDINGS[fault];
  const severity = (fault === 'server-settings' && SETTING_SEVERITIES[subject]) || WORDINGS[fault].severity;
  const mend = NOT_MENDED.has(fault) ? null : () => store.inspection.repair(finding, clock.now());
  return complaint(fault, severity, { subject, what: `${what(subject)}: ${detail}.`, remedy }, mend);
}

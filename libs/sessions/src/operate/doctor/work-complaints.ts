import type { SessionsCore } from '../../core/core.js';
import type { ProcessState } from '../../core/process/this-process.js';
import { isStuck } from '../../domain/backoff.js';
import { listJobs } from '../overview.js';
import { limitsInUse, liveServers } from '../server-limits.js';
import { complaint, named, type Complaint } from './complaint.js';

/** Beyond this a cleanup that runs every minute has missed something. */
const LATE_MS = 600_000;
const CLEAN_UP = 'Run: sessions cleanup';

/** The processes, their cleanup, what it could not finish, and the clock. */
export async function workComplaints(core: SessionsCore): Promise<Complaint[]> {
  const processes = await core.thisProcess.listProcesses();
  const servers = liveServers(processes);
  return [
    ...clockComplaints(core),
    ...serverComplaints(core, processes),
    ...diskComplaints(core, servers),
    ...silentComplaints(core, processes),
    ...(await nodeComplaints(core)),
    ...(await cleanupComplaints(core, servers)),
    ...(await failureComplaints(core)),
  ];
}

function clockComplaints({ clockTrust }: SessionsCore): Complaint[] {
  const { verdict, now, systemTime, doubtedUntil } = clockTrust.status();
  if (verdict === 'ok') return [];
  const [store, system] = [now, systemTime].map((at) => new Date(at).toISOString());
  const until =
    doubtedUntil === null
      ? ''
      : `, and nothing is deleted for its age until ${new Date(doubtedUntil).toISOString()}`;
  const what = `The clock is ${verdict}: the store's time is ${store}, the system's ${system}${until}.`;
  const remedy = 'Put the system clock right (NTP). If it is right, run: sessions clock --trust';
  return [complaint('clock', verdict === 'wrong' ? 'error' : 'warning', { what, remedy })];
}

/** Whether there are servers, of one version, with the same limits. */
function serverComplaints(core: SessionsCore, processes: readonly ProcessState[]): Complaint[] {
  const servers = liveServers(processes);
  if (servers.length === 0) {
    const what = 'No server process is running, so no cleanup is scheduled.';
    return [complaint('no-server', 'info', { what, remedy: 'Start the server.' })];
  }
  const complaints: Complaint[] = [];
  const versions = Map.groupBy(servers, ({ version }) => version);
  if (versions.size > 1) {
    const what = `The servers have different versions: ${namesOf(versions)}.`;
    complaints.push(
      complaint('versions', 'warning', { what, remedy: 'Finish the roll-out, or take it back.' }),
    );
  }
  const { differing } = limitsInUse({ processes, limits: core.thisProcess.limits });
  for (const [limit, values] of differing) {
    const what = `The servers have different values of ${limit}: ${namesOf(values)}.`;
    const remedy = 'Give all servers the same options: each applies its own.';
    complaints.push(complaint('limits', 'warning', { subject: limit, what, remedy }));
  }
  return complaints;
}

/** The disk of this node is told by its root. */
function diskComplaints(
  { config, thisProcess }: SessionsCore,
  servers: readonly ProcessState[],
): Complaint[] {
  const full = servers.filter(
    ({ nodeId, disk }) =>
      nodeId !== thisProcess.nodeId && disk !== null && disk.freeBytes < config.minFreeBytes,
  );
  const nodes = new Map(full.map(({ nodeId, host, disk }) => [nodeId, { host, freeBytes: disk?.freeBytes }]));
  return [...nodes].map(([nodeId, { host, freeBytes }]) => {
    const what = `The disk of node ${nodeId} on ${host} has ${freeBytes} bytes free: new files are refused there.`;
    return complaint('node-full', 'error', {
      subject: nodeId,
      what,
      remedy: 'Free space on that disk, or make it larger.',
    });
  });
}

function silentComplaints({ clock }: SessionsCore, processes: readonly ProcessState[]): Complaint[] {
  const silent = processes.filter(({ isLive, at }) => !isLive && clock.now() - at > LATE_MS);
  if (silent.length === 0) return [];
  const what = `${silent.length} processes are silent and still listed: ${named(silent.map(nameOf))}.`;
  return [
    complaint('silent-processes', 'info', {
      what,
      remedy: `The next cleanup gives up what they held. ${CLEAN_UP}`,
    }),
  ];
}

async function nodeComplaints({ nodes, clock }: SessionsCore): Promise<Complaint[]> {
  const away = (await nodes.list()).filter(
    ({ isLive, lastSeenAt, resources }) => !isLive && resources > 0 && clock.now() - lastSeenAt > LATE_MS,
  );
  return away.map(({ nodeId, resources, lastSeenAt }) => {
    const seen =
      lastSeenAt === 0 ? 'was never seen' : `was last seen at ${new Date(lastSeenAt).toISOString()}`;
    const what = `Node ${nodeId} ${seen}, and has ${resources} files.`;
    const remedy = `Start its server. If it will not return, run: nodes forget ${nodeId}`;
    return complaint('node-away', 'warning', { subject: nodeId, what, remedy });
  });
}

/** Where no server is running, another complaint says so. */
async function cleanupComplaints(core: SessionsCore, servers: readonly ProcessState[]): Promise<Complaint[]> {
  if (servers.length === 0) return [];
  const { clock, config, store } = core;
  const complaints: Complaint[] = [];
  const patienceMs = Math.max(LATE_MS, 2 * config.cleanupIntervalMs);
  for (const { job, run } of await listJobs(core)) {
    if (run === null || clock.now() - (run.lastSuccessAt ?? 0) <= patienceMs) continue;
    const since =
      run.lastSuccessAt === null
        ? 'never succeeded'
        : `last succeeded at ${new Date(run.lastSuccessAt).toISOString()}`;
    const what = `Cleanup job ${job} ${since}${run.lastError === null ? '' : `: ${run.lastError}`}.`;
    complaints.push(
      complaint('cleanup', 'error', {
        subject: job,
        what,
        remedy: `See the log of the servers. ${CLEAN_UP}`,
      }),
    );
  }
  const due = await store.endings.countDue(clock.now() - patienceMs);
  if (due.idle + due.expired > 0) {
    const what = `${due.idle} idle and ${due.expired} expired sessions were to end more than ${patienceMs / 60_000} minutes ago.`;
    complaints.push(
      complaint('late-ends', 'warning', { what, remedy: `${CLEAN_UP}, and see why the servers do not.` }),
    );
  }
  return complaints;
}

async function failureComplaints({ store, thisProcess }: SessionsCore): Promise<Complaint[]> {
  const failures = await store.ledger.listFailures(thisProcess.nodeId);
  return failures.filter(isStuck).map(({ item, tries }) => {
    const what = `${item} could not be cleaned up in ${tries} tries.`;
    return complaint('stuck', 'error', {
      subject: item,
      what,
      remedy: `See the log of the servers for the cause. ${CLEAN_UP} tries at once.`,
    });
  });
}

function nameOf({ host, pid }: ProcessState): string {
  return `${host}:${pid}`;
}

/** `1.0.0 (a:1, b:2), 1.1.0 (c:3)` */
function namesOf(values: ReadonlyMap<string | number, readonly ProcessState[]>): string {
  return [...values].map(([value, processes]) => `${value} (${named(processes.map(nameOf))})`).join(', ');
}

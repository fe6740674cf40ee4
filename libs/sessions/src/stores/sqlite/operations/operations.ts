import type { DatabaseSync } from 'node:sqlite';
import type { SessionStore } from '../../../ports/session-store.js';
import { SqliteEndings } from './endings.js';
import { SqliteFleet } from './fleet.js';
import { SqliteLedger } from './ledger.js';
import { SqliteListings } from './listings.js';
import { SqliteNodes } from './nodes.js';
import { SqliteReleases } from './releases.js';
import { SqliteResources } from './resources.js';
import { SqliteSessions } from './sessions.js';

/** Every method of a store that is one transaction. */
export type OperationName = Exclude<keyof SessionStore, 'kind' | 'connect' | 'close' | 'onChange'>;

export type Arguments = { [Name in OperationName]: Parameters<SessionStore[Name]> };

/** What each operation answers; it travels as JSON. */
export type Answers = { [Name in OperationName]: Awaited<ReturnType<SessionStore[Name]>> };

export type Operations = { readonly [Name in OperationName]: (...args: Arguments[Name]) => Answers[Name] };

/** The whole store on one connection, synchronous; each operation expects to run inside a transaction. */
export function sqliteOperations(db: DatabaseSync): Operations {
  const ledger = new SqliteLedger(db);
  const sessions = new SqliteSessions(db, ledger);
  const endings = new SqliteEndings(db, ledger);
  const listings = new SqliteListings(db, ledger);
  const resources = new SqliteResources(db, ledger);
  const releases = new SqliteReleases(db, ledger);
  const nodes = new SqliteNodes(db, endings);
  const processes = new SqliteFleet(db, ledger, releases, nodes);
  return {
    identity: () => ledger.identity(),
    anchorClock: (reading) => processes.anchorClock(reading),
    open: (session, maxSessions) => sessions.open(session, maxSessions),
    findByToken: (tokenHash) => sessions.findByToken(tokenHash),
    find: (sessionId) => sessions.find(sessionId),
    touch: (touches) => sessions.touch(touches),
    bindUser: (sessionId, epoch, userId) => sessions.bindUser(sessionId, epoch, userId),
    rotate: (sessionId, epoch, tokenHash, at) => sessions.rotate(sessionId, epoch, tokenHash, at),
    beginEnd: (sessionId, end, only) => endings.beginEnd(sessionId, end, only),
    leaseEnding: (claim) => endings.leaseEnding(claim),
    finishEnd: (sessionId, nodeId, at) => endings.finishEnd(sessionId, nodeId, at),
    dropTombstones: (at, limit) => endings.dropTombstones(at, limit),
    findIdle: (at, limit) => listings.findIdle(at, limit),
    findExpired: (at, limit) => listings.findExpired(at, limit),
    findDisposable: (limit) => listings.findDisposable(limit),
    countDue: (at) => listings.countDue(at),
    list: (query) => listings.list(query),
    readFeed: (position, limit) => listings.readFeed(position, limit),
    reserve: (resource, limits) => resources.reserve(resource, limits),
    grow: (resourceId, bytes, limits) => resources.grow(resourceId, bytes, limits),
    settle: (resourceId, settled) => resources.settle(resourceId, settled),
    findResource: (resourceId) => resources.findResource(resourceId),
    listResources: (sessionIds) => resources.listResources(sessionIds),
    knownResources: (sessionIds) => resources.knownResources(sessionIds),
    use: (resourceId, processId, at) => resources.use(resourceId, processId, at),
    unuse: (resourceId, processId, at) => resources.unuse(resourceId, processId, at),
    beginRelease: (victims, lease, only) => releases.beginRelease(victims, lease, only),
    leaseReleasing: (claim) => releases.leaseReleasing(claim),
    finishRelease: (resourceIds, kind) => releases.finishRelease(resourceIds, kind),
    heartbeat: (beat) => processes.heartbeat(beat),
    listProcesses: () => processes.listProcesses(),
    dropProcess: (processId, silentSince) => processes.dropProcess(processId, silentSince),
    listNodes: () => nodes.list(),
    forgetNode: (nodeId, silentSince, at) => nodes.forget(nodeId, silentSince, at),
    recordRun: (run) => processes.recordRun(run),
    listRuns: () => processes.listRuns(),
    totals: () => ledger.totals(),
  };
}

/** Small, so that a short sequence of commands reaches every limit. */
export const LIMITS = {
  maxSessions: 4,
  maxResources: 3,
  maxBytes: 100,
  maxStreams: 2,
  maxSessionsPerNetwork: 3,
  maxSessionsPerUser: 2,
  maxResourcesPerUser: 5,
  maxBytesPerUser: 150,
  idleMs: 100_000,
  durationMs: 300_000,
} as const;

const PROVISIONAL_MS = 60_000;
const REPLACED_MS = 30_000;
const MOST_REPLACED = 8;
const TOMBSTONE_MARGIN_MS = 60_000;
const SILENT_AFTER_MS = 10_000;
const FEED_TRUSTED_MS = 750;
/** A file that received nothing for so long gives way to one that waits. */
const STALLED_MS = 5000;

export type Which = 0 | 1;
export type Reason = 'idle' | 'expired' | 'ended' | 'admin' | 'evicted' | 'unconfirmed';

interface Activity {
  at: number;
  requests: number;
}

export interface PlainResource {
  readonly id: string;
  readonly session: PlainSession;
  readonly type: string;
  readonly createdAt: number;
  /** The process that writes or holds it. */
  readonly by: Which;
  state: 'writing' | 'ready';
  /** When it last could not have its place although it is `ready`. */
  overdrawnAt: number | null;
  sizeBytes: number;
  lastUsedAt: number;
  /** Since when its writer waits for bytes. */
  waitsSince: number;
  /** Reads under way, by process. */
  readonly uses: [number, number];
}

export interface PlainSession {
  readonly id: string;
  readonly client: number;
  /** Every token it had; the last one is current. */
  readonly tokens: { readonly text: string; replacedAt: number | null }[];
  readonly createdAt: number;
  state: 'open' | 'ended' | 'forgotten';
  reason: Reason | null;
  endedAt: number | null;
  userId: string | null;
  lastActivityAt: number;
  requestCount: number;
  confirmed: boolean;
  resources: PlainResource[];
  /** What the application keeps of it, by key. */
  readonly data: Map<string, string>;
  /** When, as a count of changes, something happened to it that the other process must hear of; and who did it. */
  change: number;
  changedBy: Which;
}

/** What each process knows and has not said yet. */
interface PlainProcess {
  pending: Map<PlainSession, Activity>;
  beatAt: number;
  flushedThroughAt: number;
  feedReadAt: number;
  /** The changes it has heard of. */
  heard: number;
  /** Whether the other one took it for dead, and gave up what it was writing. */
  wasBuried: boolean;
  /** The same, and it has not said since that it lives. */
  isBuried: boolean;
}

/** What sessions are, told in the plainest way: arrays, and the rules of the specification. */
export class PlainModel {
  now: number;
  sessions: PlainSession[] = [];
  readonly processes: readonly [PlainProcess, PlainProcess];
  readonly ended: Record<Reason, number> = {
    idle: 0,
    expired: 0,
    ended: 0,
    admin: 0,
    evicted: 0,
    unconfirmed: 0,
  };
  readonly gone = new Map<string, { released: number; releasedBytes: number; evicted: number }>();
  created = 0;
  /** Whether limits hold over several sessions: not on a cluster. */
  private readonly keepsBudgets: boolean;
  /** How long the timeline of a session outlives it. */
  private readonly journalMs: number;
  /** Called when a process says that it lives which the other one took for dead. */
  onReturn: (which: Which) => void = () => {};
  private changes = 0;

  constructor(now: number, keepsBudgets: boolean, journalMs: number) {
    this.now = now;
    this.keepsBudgets = keepsBudgets;
    this.journalMs = journalMs;
    const process = (): PlainProcess => ({
      pending: new Map(),
      beatAt: now,
      flushedThroughAt: now,
      feedReadAt: now,
      heard: 0,
      wasBuried: false,
      isBuried: false,
    });
    this.processes = [process(), process()];
  }

  get open(): PlainSession[] {
    return this.sessions.filter(({ state }) => state === 'open');
  }

  get resources(): PlainResource[] {
    return this.sessions.flatMap(({ resources }) => resources);
  }

  // --- sessions ---

  /**
   * Ends whom an opening evicts to make room in its network, then in all, after it has written what its process has noted. Whether
   * there is room.
   */
  makesRoom(client: number, by: Which): boolean {
    const ofNetwork = (session: PlainSession): boolean =>
      session.client === client && session.userId === null;
    const ofOne = !this.keepsBudgets || this.makesRoomAmong(ofNetwork, LIMITS.maxSessionsPerNetwork, by);
    return ofOne && this.makesRoomAmong(() => true, LIMITS.maxSessions, by);
  }

  private makesRoomAmong(counts: (session: PlainSession) => boolean, most: number, by: Which): boolean {
    if (this.open.filter(counts).length < most) return true;
    this.flush(by);
    const rank = (session: PlainSession): number => (session.confirmed ? 2 : 0) + (holds(session) ? 1 : 0);
    const [victim] = this.open
      .filter((session) => counts(session) && session.userId === null && rank(session) < 3)
      .toSorted((a, b) => rank(a) - rank(b) || a.lastActivityAt - b.lastActivityAt || (a.id < b.id ? -1 : 1));
    if (victim === undefined) return false;
    this.end(victim, 'evicted', by);
    return true;
  }

  /** Ends the sessions of a user, those that were opened first, until one more has a place. */
  makesRoomForUser(userId: string, session: PlainSession, by: Which): void {
    if (session.userId !== null || !this.keepsBudgets) return;
    const others = this.open
      .filter((other) => other.userId === userId)
      .toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
    const surplus = others.length - LIMITS.maxSessionsPerUser + 1;
    for (const oldest of others.slice(0, Math.max(0, surplus))) this.end(oldest, 'evicted', by);
  }

  /** What the open sessions of a user count for. */
  usageOf(userId: string): { sessions: number; resources: number; bytes: number } {
    const sessions = this.open.filter((session) => session.userId === userId);
    const counted = sessions.map((session) => countedOf(session, 0, 0));
    return {
      sessions: sessions.length,
      resources: counted.reduce((sum, { resources }) => sum + resources, 0),
      bytes: counted.reduce((sum, { bytes }) => sum + bytes, 0),
    };
  }

  /** Whether a file, or bytes, of a session would break a quota of its user. */
  breaksQuota(session: PlainSession, count: 0 | 1, bytes: number): boolean {
    if (session.userId === null || !this.keepsBudgets) return false;
    const used = this.usageOf(session.userId);
    const [before, after] = [countedOf(session, 0, 0), countedOf(session, count, bytes)];
    const added = { resources: after.resources - before.resources, bytes: after.bytes - before.bytes };
    return (
      (added.resources > 0 && used.resources + added.resources > LIMITS.maxResourcesPerUser) ||
      (added.bytes > 0 && used.bytes + added.bytes > LIMITS.maxBytesPerUser)
    );
  }

  opened(id: string, token: string, client: number, by: Which): PlainSession {
    const session: PlainSession = {
      id,
      client,
      tokens: [{ text: token, replacedAt: null }],
      createdAt: this.now,
      state: 'open',
      reason: null,
      endedAt: null,
      userId: null,
      lastActivityAt: this.now,
      requestCount: 1,
      confirmed: false,
      resources: [],
      data: new Map(),
      change: 0,
      changedBy: by,
    };
    this.created += 1;
    this.sessions.push(session);
    this.change(session, by);
    return session;
  }

  end(session: PlainSession, reason: Reason, by: Which): void {
    for (const resource of session.resources) this.drop(resource, 'released');
    session.state = 'ended';
    session.data.clear();
    session.userId = null;
    session.reason = reason;
    session.endedAt = this.now;
    this.ended[reason] += 1;
    this.change(session, by);
  }

  change(session: PlainSession, by: Which): void {
    this.changes += 1;
    session.change = this.changes;
    session.changedBy = by;
  }

  /** What a token stands for, by all that these processes know. */
  kindOf(session: PlainSession, token: number, client: number, known: readonly Which[]): string {
    const last = session.tokens.length - 1;
    if (session.state === 'forgotten' || token < last - MOST_REPLACED) return 'unknown';
    const { replacedAt } = session.tokens[token] ?? { replacedAt: null };
    if (replacedAt !== null) return this.now - replacedAt < REPLACED_MS ? 'replaced' : 'unknown';
    if (session.state === 'ended') return 'ended';
    if (this.whyOver(session, known) !== null) return 'ended';
    return session.client === client ? 'live' : 'mismatch';
  }

  /** Whether a process may not have heard yet of what the other one did to this session. */
  mayBeUnheard(session: PlainSession, which: Which): boolean {
    const { heard, feedReadAt } = this.processes[which];
    return session.changedBy !== which && session.change > heard && this.now - feedReadAt <= FEED_TRUSTED_MS;
  }

  /** Whether it is over, but nobody has ended it yet: no request gets so far as to be activity of such a session. */
  isLate(session: PlainSession): boolean {
    return session.state === 'open' && this.whyOver(session) !== null;
  }

  whyOver(
    session: PlainSession,
    known: readonly Which[] = [0, 1],
  ): 'idle' | 'unconfirmed' | 'expired' | null {
    if (this.now >= session.createdAt + LIMITS.durationMs) return 'expired';
    if (this.now < this.idleEnd(session, known)) return null;
    return this.isProvisional(session, known) ? 'unconfirmed' : 'idle';
  }

  /** By what is in the store and what these processes have not written yet. */
  idleEnd(session: PlainSession, known: readonly Which[]): number {
    const noted = known.map((which) => this.processes[which].pending.get(session));
    const last = Math.max(session.lastActivityAt, ...noted.map((activity) => activity?.at ?? 0));
    return (
      last + (this.isProvisional(session, known) ? Math.min(PROVISIONAL_MS, LIMITS.idleMs) : LIMITS.idleMs)
    );
  }

  /**
   * Whether a process waits for what the other one has noted of a session that looks idle. Who has been silent for long is dead.
   * Who has written all of its notes up to the idle end can have none after it, but of a session that lived on for what it held:
   * one whose cookie never came back ends without them as soon as it holds nothing more.
   */
  maySpeakFor(session: PlainSession, by: Which, other: Which): boolean {
    return !this.isSilent(other) && this.processes[other].flushedThroughAt < this.idleEnd(session, [by]);
  }

  private isProvisional(session: PlainSession, known: readonly Which[]): boolean {
    const noted = known.map((which) => this.processes[which].pending.get(session));
    const confirmed = session.confirmed || noted.some((activity) => activity && activity.requests > 0);
    return !confirmed && session.userId === null && !holds(session);
  }

  // --- activity, time and processes ---

  touch(session: PlainSession, which: Which, requests: 0 | 1): void {
    const { pending } = this.processes[which];
    pending.set(session, { at: this.now, requests: (pending.get(session)?.requests ?? 0) + requests });
  }

  flush(which: Which): void {
    const process = this.processes[which];
    for (const [session, { at, requests }] of process.pending) {
      if (session.state !== 'open') continue;
      const until = session.createdAt + LIMITS.durationMs;
      session.lastActivityAt = Math.max(session.lastActivityAt, Math.min(at, until));
      session.requestCount += requests;
      session.confirmed ||= requests > 0;
    }
    process.pending = new Map();
  }

  beat(which: Which): void {
    this.flush(which);
    const process = this.processes[which];
    process.beatAt = this.now;
    process.flushedThroughAt = this.now;
    if (!process.isBuried) return;
    process.isBuried = false;
    this.onReturn(which);
  }

  /** Before it takes anything up, one that has not said so for a while says that it lives. */
  takesUp(which: Which): void {
    if (this.now - this.processes[which].beatAt >= SILENT_AFTER_MS / 2) this.beat(which);
  }

  isSilent(which: Which): boolean {
    return this.now - this.processes[which].beatAt >= SILENT_AFTER_MS;
  }

  hear(which: Which): void {
    this.processes[which].heard = this.changes;
    this.processes[which].feedReadAt = this.now;
  }

  cleanUpIdle(which: Which): void {
    this.beat(which);
    const other: Which = which === 0 ? 1 : 0;
    const horizon = this.isSilent(other)
      ? this.now
      : Math.min(this.now, this.processes[other].flushedThroughAt);
    for (const session of this.open) {
      if (this.idleEnd(session, []) > horizon) continue;
      this.end(session, this.isProvisional(session, []) ? 'unconfirmed' : 'idle', which);
    }
  }

  cleanUpExpired(which: Which): void {
    for (const session of this.open) {
      if (session.createdAt + LIMITS.durationMs <= this.now) this.end(session, 'expired', which);
    }
  }

  cleanUpOrphans(which: Which): void {
    const other: Which = which === 0 ? 1 : 0;
    if (this.isSilent(other)) this.buryProcess(other);
    for (const session of this.open) {
      const isDue = session.resources.some(
        ({ overdrawnAt }) => overdrawnAt !== null && overdrawnAt < this.now,
      );
      if (isDue) this.placeOverdrawn(session);
    }
    for (const session of this.sessions) {
      if (session.state !== 'ended' || session.endedAt === null) continue;
      const absoluteEnd = session.createdAt + LIMITS.durationMs;
      const until = Math.max(absoluteEnd, session.endedAt + this.journalMs) + TOMBSTONE_MARGIN_MS;
      if (until <= this.now) session.state = 'forgotten';
    }
  }

  private buryProcess(which: Which): void {
    this.processes[which].wasBuried = true;
    this.processes[which].isBuried = true;
    for (const resource of this.resources) {
      resource.uses[which] = 0;
      const holds = resource.state === 'writing' || resource.type === 'stream';
      if (holds && resource.by === which) this.drop(resource, 'released');
    }
  }

  // --- resources ---

  reserved(id: string, session: PlainSession, type: string, by: Which, at = this.now): PlainResource {
    const state = type === 'stream' ? 'ready' : 'writing';
    const stamps = { createdAt: at, lastUsedAt: at, waitsSince: this.now, overdrawnAt: null };
    const resource: PlainResource = { id, session, type, by, state, sizeBytes: 0, ...stamps, uses: [0, 0] };
    session.resources.push(resource);
    return resource;
  }

  /** Whether a file may begin, or grow, beside the others that are on their way in. */
  fitsIncoming(session: PlainSession, count: 0 | 1, bytes: number): boolean {
    const incoming = session.resources.filter((resource) => !isInPlace(resource));
    return incoming.length + count <= LIMITS.maxResources && bytesOf(incoming) + bytes <= LIMITS.maxBytes;
  }

  /**
   * Cancels those that received nothing for long, the longest first, until there is room; whether there is. Those that
   * `hasGone` go before others: each process notes its own in turn, and who waits beside them cancels what it finds noted.
   * `noticedBy`: those that stalled so early are noted for sure.
   */
  admit(
    session: PlainSession,
    count: 0 | 1,
    bytes: number,
    asking?: PlainResource,
    hasGone: (resource: PlainResource) => boolean = () => false,
    noticedBy = this.now,
  ): boolean {
    const stalled = session.resources
      .filter((other) => other !== asking && other.state === 'writing')
      .filter(({ waitsSince }) => this.now - waitsSince >= STALLED_MS)
      .filter((other) => hasGone(other) || noticedBy - other.waitsSince >= STALLED_MS)
      .toSorted(
        (a, b) =>
          Number(hasGone(b)) - Number(hasGone(a)) || a.waitsSince - b.waitsSince || (a.id < b.id ? -1 : 1),
      );
    for (const other of stalled) {
      if (this.fitsIncoming(session, count, bytes)) return true;
      this.drop(other, 'released');
    }
    return this.fitsIncoming(session, count, bytes);
  }

  streamsOf(session: PlainSession): number {
    return session.resources.filter(({ type }) => type === 'stream').length;
  }

  /** A complete file takes its place, and what must go for it goes; where nothing can, it is overdrawn. */
  place(resource: PlainResource): void {
    const { session } = resource;
    resource.state = 'ready';
    resource.overdrawnAt = this.now;
    const evictable = session.resources
      .filter((other) => isInPlace(other) && other.type !== 'stream' && other.uses[0] + other.uses[1] === 0)
      .toSorted((a, b) => a.lastUsedAt - b.lastUsedAt || (a.id < b.id ? -1 : 1));
    const files = session.resources.filter((other) => isInPlace(other) && other.type !== 'stream');
    for (let evicted = 0; evicted <= evictable.length; evicted += 1) {
      const victims = evictable.slice(0, evicted);
      const kept = files.filter((other) => !victims.includes(other));
      if (kept.length >= LIMITS.maxResources) continue;
      if (bytesOf(kept) + resource.sizeBytes > LIMITS.maxBytes) continue;
      for (const victim of victims) this.drop(victim, 'evicted');
      resource.overdrawnAt = null;
      return;
    }
  }

  /** Overdrawn files take their places as far as they can, the oldest first. */
  placeOverdrawn(session: PlainSession): void {
    const overdrawn = session.resources
      .filter(({ overdrawnAt }) => overdrawnAt !== null)
      .toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
    for (const resource of overdrawn) this.place(resource);
  }

  drop(resource: PlainResource, how: 'released' | 'evicted'): void {
    const { session, type, state, sizeBytes } = resource;
    session.resources = session.resources.filter((other) => other !== resource);
    if (state === 'writing') return;
    const gone = this.gone.get(type) ?? { released: 0, releasedBytes: 0, evicted: 0 };
    this.gone.set(type, {
      released: gone.released + 1,
      releasedBytes: gone.releasedBytes + sizeBytes,
      evicted: gone.evicted + Number(how === 'evicted'),
    });
  }

  /** Whether a process can still do something with a resource that it once got hold of. */
  isHeld(resource: PlainResource): boolean {
    return resource.session.state === 'open' && resource.session.resources.includes(resource);
  }
}

function holds({ resources, data }: PlainSession): boolean {
  return resources.length > 0 || data.size > 0;
}

/** What a session counts for with so much more: up to its own limits. */
function countedOf({ resources }: PlainSession, more: number, moreBytes: number) {
  const files = resources.filter(({ type }) => type !== 'stream');
  return {
    resources: Math.min(files.length + more, LIMITS.maxResources),
    bytes: Math.min(bytesOf(files) + moreBytes, LIMITS.maxBytes),
  };
}

/** A stream, or a file that has taken its place. */
export function isInPlace({ state, overdrawnAt }: PlainResource): boolean {
  return state === 'ready' && overdrawnAt === null;
}

export function bytesOf(resources: readonly PlainResource[]): number {
  return resources.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
}

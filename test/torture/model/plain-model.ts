/** Small, so that a short sequence of commands reaches every limit. */
export const LIMITS = {
  maxSessions: 4,
  maxResources: 3,
  maxBytes: 100,
  idleMs: 100_000,
  durationMs: 300_000,
} as const;

const PROVISIONAL_MS = 60_000;
const REPLACED_MS = 30_000;
const MOST_REPLACED = 8;
const TOMBSTONE_MARGIN_MS = 60_000;
const SILENT_AFTER_MS = 10_000;
const FEED_TRUSTED_MS = 750;

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
  sizeBytes: number;
  lastUsedAt: number;
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
  userId: string | null;
  lastActivityAt: number;
  requestCount: number;
  confirmed: boolean;
  resources: PlainResource[];
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
  private changes = 0;

  constructor(now: number) {
    this.now = now;
    const process = (): PlainProcess => ({
      pending: new Map(),
      beatAt: now,
      flushedThroughAt: now,
      feedReadAt: now,
      heard: 0,
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

  /** Whom an opening ends to make room, after it has written what its process has noted; `full` where nobody can be. */
  roomForOne(by: Which): PlainSession | 'free' | 'full' {
    if (this.open.length < LIMITS.maxSessions) return 'free';
    this.flush(by);
    const rank = ({ confirmed, resources }: PlainSession): number =>
      (confirmed ? 2 : 0) + (resources.length > 0 ? 1 : 0);
    const candidates = this.open
      .filter((session) => session.userId === null && rank(session) < 3)
      .toSorted((a, b) => rank(a) - rank(b) || a.lastActivityAt - b.lastActivityAt || (a.id < b.id ? -1 : 1));
    return candidates[0] ?? 'full';
  }

  opened(id: string, token: string, client: number, by: Which): PlainSession {
    const session: PlainSession = {
      id,
      client,
      tokens: [{ text: token, replacedAt: null }],
      createdAt: this.now,
      state: 'open',
      reason: null,
      userId: null,
      lastActivityAt: this.now,
      requestCount: 1,
      confirmed: false,
      resources: [],
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
    session.reason = reason;
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

  private isProvisional(session: PlainSession, known: readonly Which[]): boolean {
    const noted = known.map((which) => this.processes[which].pending.get(session));
    const confirmed = session.confirmed || noted.some((activity) => activity && activity.requests > 0);
    return !confirmed && session.userId === null && session.resources.length === 0;
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
    for (const session of this.sessions) {
      const until = session.createdAt + LIMITS.durationMs + TOMBSTONE_MARGIN_MS;
      if (session.state === 'ended' && until <= this.now) session.state = 'forgotten';
    }
  }

  private buryProcess(which: Which): void {
    for (const resource of this.resources) {
      resource.uses[which] = 0;
      const holds = resource.state === 'writing' || resource.type === 'stream';
      if (holds && resource.by === which) this.drop(resource, 'released');
    }
  }

  // --- resources ---

  reserved(id: string, session: PlainSession, type: string, by: Which): PlainResource {
    const state = type === 'stream' ? 'ready' : 'writing';
    const stamps = { createdAt: this.now, lastUsedAt: this.now };
    const resource: PlainResource = { id, session, type, by, state, sizeBytes: 0, ...stamps, uses: [0, 0] };
    session.resources.push(resource);
    return resource;
  }

  /** Makes room as it must be made: `wait` where only time can, `refuse` where nothing can. */
  admit(
    session: PlainSession,
    count: 0 | 1,
    bytes: number,
    asking?: PlainResource,
  ): 'in' | 'wait' | 'refuse' {
    const victims = session.resources
      .filter(({ state, type, uses }) => state === 'ready' && type !== 'stream' && uses[0] + uses[1] === 0)
      .toSorted((a, b) => a.lastUsedAt - b.lastUsedAt || (a.id < b.id ? -1 : 1));
    for (let evicted = 0; evicted <= victims.length; evicted += 1) {
      const kept = session.resources.filter((resource) => !victims.slice(0, evicted).includes(resource));
      const held = kept.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      if (kept.length + count > LIMITS.maxResources || held + bytes > LIMITS.maxBytes) continue;
      for (const victim of victims.slice(0, evicted)) this.drop(victim, 'evicted');
      return 'in';
    }
    const writers = session.resources
      .filter(({ state }) => state === 'writing')
      .toSorted((a, b) => a.createdAt - b.createdAt || (a.id < b.id ? -1 : 1));
    return asking === undefined || writers.at(-1) === asking ? 'refuse' : 'wait';
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

/** Clocks of processes on one machine, all of which follow Redis'. */
const TOLERANCE_MS = 150;

interface Life {
  /** It began before this. */
  readonly bornBy: number;
  /** Its last activity was before this. */
  activeBy: number;
}

/** How old the sessions are, as their clients see it: none is served past its limits. */
export class Ages {
  readonly overs = { idle: 0, expired: 0 };
  private readonly maxMs: number;
  private readonly idleMs: number;
  private readonly violation: (message: string) => void;
  private readonly lives = new Map<string, Life>();

  constructor(limits: { maxMs: number; idleMs: number }, violation: (message: string) => void) {
    this.maxMs = limits.maxMs;
    this.idleMs = limits.idleMs;
    this.violation = violation;
  }

  /** Why a request that comes now must not be served with this session any more; `null` where it may be. */
  whyOver(sessionId: string | null): 'idle' | 'expired' | null {
    const life = sessionId === null ? undefined : this.lives.get(sessionId);
    if (!life) return null;
    const latest = performance.now() - TOLERANCE_MS;
    if (latest > life.bornBy + this.maxMs) return 'expired';
    return latest > life.activeBy + this.idleMs ? 'idle' : null;
  }

  /** A client that had one session was served with this one; the first was over, or may have been none. */
  served(sessionId: string, before: string | null, whyOver: 'idle' | 'expired' | null): void {
    if (sessionId !== before && whyOver !== null) this.overs[whyOver] += 1;
    if (sessionId === before && whyOver !== null)
      this.violation(`session ${sessionId} is served, ${whyOver}`);
    if (this.lives.has(sessionId)) return;
    const now = performance.now();
    this.lives.set(sessionId, { bornBy: now, activeBy: now });
  }

  /** Whatever came of a request, it may have been an activity until now. */
  attempted(sessionId: string): void {
    const life = this.lives.get(sessionId);
    if (life) life.activeBy = performance.now();
  }
}

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

  /** A request that came after `askedAt` was served with this session. */
  served(sessionId: string, askedAt: number): void {
    const life = this.lives.get(sessionId);
    const now = performance.now();
    if (!life) {
      this.lives.set(sessionId, { bornBy: now, activeBy: now });
      return;
    }
    const why = this.whyOver(sessionId, askedAt);
    if (why !== null) {
      const [age, rest] = [askedAt - life.bornBy, askedAt - life.activeBy].map(Math.round);
      this.violation(
        `session ${sessionId} is served ${why}: ${age} ms old, ${rest} ms after its last activity`,
      );
    }
    this.attempted(sessionId);
  }

  /** A request was served with another session, and this one had been its client's. */
  replaced(sessionId: string, askedAt: number): void {
    const why = this.whyOver(sessionId, askedAt);
    if (why !== null) this.overs[why] += 1;
  }

  /** Whatever came of a request, it may have been an activity until now. */
  attempted(sessionId: string): void {
    const life = this.lives.get(sessionId);
    if (life) life.activeBy = performance.now();
  }

  private whyOver(sessionId: string, askedAt: number): 'idle' | 'expired' | null {
    const life = this.lives.get(sessionId);
    if (!life) return null;
    if (askedAt > life.bornBy + this.maxMs + TOLERANCE_MS) return 'expired';
    return askedAt > life.activeBy + this.idleMs + TOLERANCE_MS ? 'idle' : null;
  }
}

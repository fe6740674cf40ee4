import type { SessionRecord } from '#sessions/domain/session';
import type { SessionStore } from '#sessions/ports/store/session-store';
import { pause } from '../processes/scratch.ts';

const LOOK_MS = 250;
const PAGE = 1000;
/** Cleanup comes every second, and waits for the end of an outage. */
const CLEANED_WITHIN_MS = 15_000;

/** Looks at what every session holds, as the store has it, for as long as it is not stopped. */
export class LimitsWatch {
  looks = 0;
  mostResources = 0;
  mostBytes = 0;
  private readonly store: SessionStore;
  private readonly limits: { readonly maxResources: number; readonly maxBytes: number };
  private readonly violation: (message: string) => void;
  private isStopped = false;
  private readonly watching: Promise<void>;

  constructor(
    store: SessionStore,
    limits: { readonly maxResources: number; readonly maxBytes: number },
    violation: (message: string) => void,
  ) {
    this.store = store;
    this.limits = limits;
    this.violation = violation;
    this.watching = this.watch();
  }

  async stop(): Promise<void> {
    this.isStopped = true;
    await this.watching;
  }

  private async watch(): Promise<void> {
    while (!this.isStopped) {
      // While a master is away there is nothing to see.
      await this.look().catch(() => {});
      await pause(LOOK_MS);
    }
  }

  private async look(): Promise<void> {
    const { sessions } = await this.store.sessions.list({ limit: PAGE, sort: '-last_activity' });
    for (const session of sessions) {
      this.check(`${session.id} counts`, session.resourceCount, session.bytesUsed);
      this.checkAge(session);
    }
    await this.lookInto(sessions.filter(({ resourceCount }) => resourceCount > 0));
    this.looks += 1;
  }

  private async lookInto(sessions: readonly SessionRecord[]): Promise<void> {
    const resources = await this.store.resources.list(sessions.map(({ id }) => id));
    const held = resources.filter(({ state, overdrawn }) => state === 'ready' && !overdrawn);
    for (const [sessionId, of] of Map.groupBy(held, (resource) => resource.sessionId)) {
      const bytes = of.reduce((sum, { sizeBytes }) => sum + sizeBytes, 0);
      this.check(`${sessionId} holds`, of.length, bytes);
    }
  }

  private checkAge({ id, expiresAt }: SessionRecord): void {
    const lateMs = Date.now() - expiresAt;
    if (lateMs > CLEANED_WITHIN_MS) this.violation(`${id} is open ${lateMs} ms past its absolute end`);
  }

  private check(what: string, resources: number, bytes: number): void {
    this.mostResources = Math.max(this.mostResources, resources);
    this.mostBytes = Math.max(this.mostBytes, bytes);
    if (resources > this.limits.maxResources || bytes > this.limits.maxBytes) {
      this.violation(`over its limits: ${what} ${resources} resources and ${bytes} bytes`);
    }
  }
}

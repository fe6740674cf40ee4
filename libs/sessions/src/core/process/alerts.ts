import type { AlertName } from '../../domain/events.js';
import type { CoreContext } from './context.js';
import { describeError } from '../watch/log.js';

const CHECK_MS = 10_000;

/** Watches the alert thresholds: raises an alert with an event and a log line, and clears it with an event. */
export class Alerts {
  private readonly raised = new Set<AlertName>();
  private failedRuns = 0;
  private timer: NodeJS.Timeout | undefined;
  private readonly unsubscribes: (() => void)[] = [];
  private nearLimit = new Set<string>();

  constructor(private readonly context: CoreContext) {}

  start(): void {
    this.timer = setInterval(() => void this.check(), CHECK_MS);
    this.timer.unref();
    this.unsubscribes.push(
      this.context.events.on('cleanup.finished', ({ failures }) => this.noteRun(failures)),
      this.context.events.on('orphans.found', ({ found }) => this.noteOrphans(found)),
      this.context.events.on('resource.ready', ({ sessionId }) => this.noteUsage(sessionId)),
      this.context.events.on('resource.released', ({ sessionId }) => {
        if (this.nearLimit.has(sessionId)) return this.noteUsage(sessionId);
      }),
      this.context.events.on('session.ended', ({ sessionId }) => this.noteFar(sessionId)),
    );
  }

  stop(): void {
    clearInterval(this.timer);
    for (const unsubscribe of this.unsubscribes) unsubscribe();
  }

  /** The alerts that are raised now. */
  get active(): ReadonlySet<AlertName> {
    return this.raised;
  }

  /** Checks the thresholds that no event reports. */
  async check(): Promise<void> {
    try {
      const { open } = await this.context.store.ledger.totals();
      const most = this.context.config.alertActiveSessions;
      this.set('active_sessions', open > most, `${open} active sessions, more than ${most}`);
    } catch (error) {
      this.context.log.debug(`Checking alerts failed: ${describeError(error)}`);
    }
  }

  private noteRun(failures: number): void {
    this.failedRuns = failures > 0 ? this.failedRuns + 1 : 0;
    const isFailing = this.failedRuns >= this.context.config.alertCleanupFailures;
    this.set('cleanup_failed', isFailing, `${this.failedRuns} cleanup runs in a row had failures`);
  }

  private noteOrphans(found: number): void {
    const isOver = found >= this.context.config.alertOrphans;
    this.set('orphans_found', isOver, `${found} orphaned files found`);
  }

  private async noteUsage(sessionId: string): Promise<void> {
    const session = await this.context.store.sessions.find(sessionId);
    if (!session) return;
    const { limits, alertSessionPercent } = this.context.config;
    const share = Math.max(session.resourceCount / limits.maxResources, session.bytesUsed / limits.maxBytes);
    if (share * 100 <= alertSessionPercent) return this.noteFar(sessionId);
    this.nearLimit.add(sessionId);
    const message = `Session ${sessionId} uses more than ${alertSessionPercent} % of maxResources or maxBytes`;
    this.set('session_near_limit', true, message);
  }

  private noteFar(sessionId: string): void {
    this.nearLimit.delete(sessionId);
    this.set('session_near_limit', this.nearLimit.size > 0, '');
  }

  private set(alert: AlertName, isOver: boolean, message: string): void {
    if (isOver === this.raised.has(alert)) return;
    if (isOver) {
      this.raised.add(alert);
      this.context.log.warn(`Alert ${alert}: ${message}`);
      this.context.events.emit('alert.raised', { alert, message });
    } else {
      this.raised.delete(alert);
      this.context.events.emit('alert.cleared', { alert });
    }
  }
}

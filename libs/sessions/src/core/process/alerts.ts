import { ALERT_NAMES, type AlertName } from '../../domain/events.js';
import { shareOf } from '../../domain/limits.js';
import type { CoreContext } from './context.js';
import { resourceLimitsInUse } from './limits-in-use.js';
import { describeError } from '../watch/log.js';

const CHECK_MS = 10_000;
/** Sessions near a limit that are counted at most. */
const MOST_COUNTED = 1000;
const MOST_NAMED = 5;

/** What the store says now: a message for each alert whose condition holds. */
interface Findings {
  readonly messages: ReadonlyMap<AlertName, string>;
  readonly nearLimit: readonly string[];
}

/**
 * Raises an alert with an event and a log line while its condition holds, and clears it with both. Every condition is read
 * from the store, so all processes on it raise the same alerts; nothing is remembered of other processes.
 */
export class Alerts {
  private findings: Findings = { messages: new Map(), nearLimit: [] };
  private timer: NodeJS.Timeout | undefined;
  private checking: Promise<void> | null = null;
  private unsubscribe = (): void => {};

  /** `see` gets the number of open sessions, and of users with some where the store can tell, with each check. */
  constructor(
    private readonly context: Pick<CoreContext, 'config' | 'store' | 'events' | 'thisProcess' | 'log'>,
    private readonly see: (open: number, users: number | null) => void = () => {},
  ) {}

  start(): void {
    this.timer = setInterval(() => void this.check(), CHECK_MS);
    this.timer.unref();
    this.unsubscribe = this.context.events.on('cleanup.finished', async () => {
      // A check under way may have read the runs before this one was recorded.
      await this.checking;
      await this.check();
    });
  }

  stop(): void {
    clearInterval(this.timer);
    this.unsubscribe();
  }

  /** The alerts that the latest check found raised, each with its current message. */
  get active(): ReadonlyMap<AlertName, string> {
    return this.findings.messages;
  }

  /** Number of sessions near a limit in the latest check; 1,000 for so many or more. */
  get nearLimit(): number {
    return this.findings.nearLimit.length;
  }

  /**
   * Asks the store, raises and clears; in a process that does not watch, such as a command, `active` alone changes. A call during a
   * check shares it. Never rejects: without an answer all stays.
   */
  check(): Promise<void> {
    this.checking ??= this.checkNow().finally(() => (this.checking = null));
    return this.checking;
  }

  private async checkNow(): Promise<void> {
    try {
      const before = this.findings;
      this.findings = await this.ask();
      if (this.timer === undefined) return;
      for (const alert of ALERT_NAMES) this.tell(alert, before.messages.get(alert));
      this.tellOfOthers(before);
    } catch (error) {
      this.context.log.debug(`Checking alerts failed: ${describeError(error)}`);
    }
  }

  private async ask(): Promise<Findings> {
    const { config, store } = this.context;
    const { alertSessionPercent } = config;
    const limits = await resourceLimitsInUse(this.context);
    const [{ open }, users, runs, nearLimit] = await Promise.all([
      store.ledger.totals(),
      store.budgets.countUsers(),
      store.ledger.listRuns(),
      store.sessions.findAbove(shareOf(limits, alertSessionPercent), MOST_COUNTED),
    ]);
    this.see(open, users);
    const messages = new Map<AlertName, string>();
    if (open > config.alertActiveSessions) {
      messages.set('active_sessions', `${open} active sessions, more than ${config.alertActiveSessions}`);
    }
    if (nearLimit.length > 0) {
      const use = `more than ${alertSessionPercent} % of a limit: ${named(nearLimit)}`;
      messages.set('session_near_limit', `${counted(nearLimit.length)} ${use}`);
    }
    const failing = runs.filter(({ failedRuns }) => failedRuns >= config.alertCleanupFailures);
    if (failing.length > 0) {
      const jobs = failing.map(
        ({ job, failedRuns, waiting }) => `${job} (${failedRuns} runs in a row, ${waiting} things wait)`,
      );
      messages.set('cleanup_failed', `Cleanup jobs fail: ${jobs.join(', ')}`);
    }
    const found = Math.max(0, ...runs.map((run) => run.found));
    if (found >= config.alertOrphans) messages.set('orphans_found', `${found} orphaned files found`);
    return { messages, nearLimit };
  }

  private tell(alert: AlertName, before: string | undefined): void {
    const message = this.findings.messages.get(alert);
    if (message !== undefined && before === undefined) {
      this.context.log.warn(`Alert ${alert}: ${message}`);
      this.context.events.emit('alert.raised', { alert, message });
    } else if (message === undefined && before !== undefined) {
      this.context.log.warn(`Alert ${alert} cleared`);
      this.context.events.emit('alert.cleared', { alert });
    }
  }

  /** The alert was raised for other sessions: those that joined them are named, too. */
  private tellOfOthers(before: Findings): void {
    if (before.nearLimit.length === 0) return;
    const known = new Set(before.nearLimit);
    const joined = this.findings.nearLimit.filter((id) => !known.has(id));
    if (joined.length > 0) this.context.log.warn(`Alert session_near_limit: also ${named(joined)}`);
  }
}

function counted(sessions: number): string {
  if (sessions === 1) return '1 session uses';
  return `${sessions}${sessions === MOST_COUNTED ? ' or more' : ''} sessions use`;
}

function named(ids: readonly string[]): string {
  const more = ids.length - MOST_NAMED;
  return ids.slice(0, MOST_NAMED).join(', ') + (more > 0 ? ` and ${more} more` : '');
}

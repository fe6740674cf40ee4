import type { CleanupOptions, CleanupReport } from '../../core/cleanup/cleanup.js';
import type { SessionsCore } from '../../core/core.js';
import type { EndedSession } from '../../core/endings/ender.js';
import type { Forgotten } from '../../core/journal/forgetting.js';
import type { ClockStatus } from '../../core/clock/clock-trust.js';
import { describeError, type Log } from '../../core/watch/log.js';
import type { Operator } from '../../domain/journal/actor.js';
import type { AuditDeed, AuditEntry } from '../../domain/journal/audit-entry.js';
import type { EndCondition } from '../../domain/lifetime.js';
import type { Released } from '../../ports/store/session-store.js';
import type { DoctorReport } from '../doctor/doctor.js';

/** Who asks, and from where. */
export interface Requester {
  readonly by: Operator;
  /** The network of an HTTP client, whose deeds are logged; `null` for a command, whose output tells. */
  readonly network: string | null;
}

export type EndOneOfMany = (
  sessionId: string,
  only: EndCondition | undefined,
) => Promise<EndedSession | null>;

/** How a deed ended, as its audit entry tells. */
export type DeedResult = Pick<AuditEntry, 'outcome' | 'sessions' | 'resources' | 'bytes'>;

const NOTHING: DeedResult = { outcome: 'nothing', sessions: 0, resources: 0, bytes: 0 };
const DONE: DeedResult = { ...NOTHING, outcome: 'done' };
const FAILED: DeedResult = { ...NOTHING, outcome: 'failed' };
const REFUSED: DeedResult = { ...NOTHING, outcome: 'refused' };

/**
 * Does what an operator asks for, and enters it into the audit, refused and failed deeds too. A deed that is done stays done if
 * the audit does not take it: then a warning tells.
 */
export class OperatorDeeds {
  constructor(
    private readonly core: SessionsCore,
    private readonly requester: Requester,
    private readonly log: Log,
  ) {}

  /** Ends a live session thoroughly; `null` if there is none with this id. */
  async end(sessionId: string): Promise<EndedSession | null> {
    const { by } = this.requester;
    try {
      const ended = await this.core.service.end({ id: sessionId }, 'admin', { thorough: true, by });
      if (ended === null) await this.noteNothing('end', sessionId);
      else if (ended.unfinished) await this.note('end', sessionId, FAILED);
      // The store has entered it, in the step that ended the session.
      else this.tell('end', sessionId, { ...ended, outcome: 'done', sessions: 1 });
      return ended;
    } catch (error) {
      await this.note('end', sessionId, FAILED);
      throw error;
    }
  }

  /**
   * Ends several sessions by `work`, which calls `end` for each: the store enters those that it ends, and one entry has the sums.
   * `scope` tells by what they are chosen. `end` answers `null` for a session that is over, or does not meet `only`.
   */
  endMany<Done>(
    scope: string,
    work: (end: EndOneOfMany) => Promise<Done>,
    resultOfWork: (done: Done) => DeedResult,
  ): Promise<Done> {
    const { by } = this.requester;
    const end: EndOneOfMany = (id, only) =>
      this.core.service.end({ id }, 'admin', { thorough: true, by, only });
    return this.audited('end-many', scope, () => work(end), resultOfWork);
  }

  /** One full cleanup, or with `dryRun` a report of what is due, which is no deed. The signal stops it between two items. */
  async cleanUp(options: CleanupOptions, signal: AbortSignal): Promise<CleanupReport[]> {
    const { cleanup } = this.core;
    const stop = (): void => void cleanup.stop();
    signal.addEventListener('abort', stop, { once: true });
    try {
      if (options.dryRun) return await cleanup.runAll(options);
      return await this.audited(
        'cleanup',
        null,
        () => cleanup.runAll(options),
        (reports) => ({
          ...resultOf(reports),
          ...(signal.aborted && { outcome: 'failed' }),
        }),
      );
    } finally {
      signal.removeEventListener('abort', stop);
    }
  }

  /** See `Nodes.forget`. */
  forgetNode(nodeId: string): Promise<Released | 'live' | 'unknown'> {
    const forget = (): ReturnType<OperatorDeeds['forgetNode']> => this.core.nodes.forget(nodeId);
    return this.audited('forget-node', nodeId, forget, (forgotten) => {
      if (forgotten === 'unknown') return NOTHING;
      return forgotten === 'live'
        ? FAILED
        : { ...DONE, resources: forgotten.resources, bytes: forgotten.bytes };
    });
  }

  /** See `SessionService.forget`. The audit does not name the user. */
  forgetUser(userId: string): Promise<Forgotten> {
    const { by } = this.requester;
    const forget = (): Promise<Forgotten> => this.core.service.forget(userId, { by });
    return this.audited('forget-user', null, forget, ({ sessions, timelines }) =>
      sessions + timelines === 0 ? NOTHING : { ...DONE, sessions },
    );
  }

  /** See `ClockTrust.trust`. */
  trustClock(): Promise<ClockStatus> {
    return this.audited(
      'trust-clock',
      null,
      () => this.core.clockTrust.trust(),
      () => DONE,
    );
  }

  /** See `Doctor.repair`. */
  repair(work: () => Promise<DoctorReport>): Promise<DoctorReport> {
    return this.audited('repair', null, work, ({ mended }) => {
      const released = mended.filter(({ code }) => code === 'missing-file').length;
      return mended.length === 0 ? NOTHING : { ...DONE, resources: released };
    });
  }

  /** The deed was refused: there is nothing to do it to. */
  noteNothing(deed: AuditDeed, subject: string): Promise<void> {
    return this.note(deed, subject, NOTHING);
  }

  /** The operator may not do it. */
  noteForbidden(deed: AuditDeed, subject: string | null): Promise<void> {
    return this.note(deed, subject, REFUSED);
  }

  /** The deed was refused for another reason. */
  noteRefused(deed: AuditDeed, subject: string | null): Promise<void> {
    return this.note(deed, subject, FAILED);
  }

  private async audited<Done>(
    deed: AuditDeed,
    subject: string | null,
    work: () => Promise<Done>,
    resultOfWork: (done: Done) => DeedResult,
  ): Promise<Done> {
    let done: Done;
    try {
      done = await work();
    } catch (error) {
      await this.note(deed, subject, FAILED);
      throw error;
    }
    await this.note(deed, subject, resultOfWork(done));
    return done;
  }

  /** Never rejects. */
  private async note(deed: AuditDeed, subject: string | null, result: DeedResult): Promise<void> {
    const { store, clock } = this.core;
    const { outcome, sessions, resources, bytes } = result;
    this.tell(deed, subject, result);
    try {
      const { by } = this.requester;
      await store.audit.append({ at: clock.now(), by, deed, subject, outcome, sessions, resources, bytes });
    } catch (error) {
      const what = subject === null ? deed : `${deed} ${subject}`;
      this.log.warn(`The audit lacks a deed of an operator (${what}, ${outcome}): ${describeError(error)}`);
    }
  }

  private tell(
    deed: AuditDeed,
    subject: string | null,
    { outcome, sessions, resources, bytes }: DeedResult,
  ): void {
    const { by, network } = this.requester;
    if (network === null) return;
    const who = by.kind === 'admin' ? by.keyId : `${by.user}@${by.host}`;
    this.log.log(
      `deed=${deed} subject=${subject ?? '-'} by=${by.kind}:${who} outcome=${outcome} sessions=${sessions} ` +
        `resources=${resources} bytes=${bytes} network=${network}`,
    );
  }
}

/** Sessions that ended, and the orphans that were deleted. */
function resultOf(reports: readonly CleanupReport[]): DeedResult {
  const isWhole = reports.every(
    ({ failures, sweep }) => failures === 0 && (!sweep || (sweep.trusted && !sweep.held)),
  );
  const ended = reports.filter(({ job }) => job !== 'orphans');
  return {
    outcome: isWhole ? 'done' : 'failed',
    sessions: ended.reduce((sum, { items }) => sum + items, 0),
    resources: reports.reduce((sum, { sweep }) => sum + (sweep?.deleted ?? 0), 0),
    bytes: 0,
  };
}

import type { SessionsCore } from '../../core/core.js';
import type { Log } from '../../core/watch/log.js';
import type { StoreFault } from '../../ports/inspection.js';
import { isSame, type Complaint, type DoctorFinding, type Severity } from './complaint.js';
import { fileComplaints } from './file-complaints.js';
import { rootComplaints } from './root-complaints.js';
import { MOTION_MS, storeComplaints } from './store-complaints.js';
import { workComplaints } from './work-complaints.js';

/** What is mended may uncover more: rows without an owner are in totals, a released file in counts. */
const MOST_ROUNDS = 4;

/** What keeps lists of records from being answered. */
const UNREADABLE: ReadonlySet<string> = new Set<StoreFault>(['unreadable', 'integrity']);

const SEVERITIES: readonly Severity[] = ['error', 'warning', 'info'];

export interface DoctorReport {
  readonly at: number;
  /** What is still wrong, the worst first. */
  readonly findings: readonly DoctorFinding[];
  /** What was wrong, and was mended. */
  readonly mended: readonly DoctorFinding[];
}

/** Checks the store, and the storage folder of this machine, beside the servers that use them; `repair`s what is safe. */
export class Doctor {
  /** `motionMs`: how long what a process may be about to register again is watched. */
  constructor(
    private readonly core: SessionsCore,
    private readonly log: Log,
    private readonly motionMs = MOTION_MS,
  ) {}

  /** Changes nothing. Rejects if store or disk do not answer, and with the reason of the signal. */
  async examine(signal: AbortSignal): Promise<DoctorReport> {
    return this.reportOf(await this.look(signal), []);
  }

  /** Each finding is mended in a step that looks again: nothing happens to what has changed meanwhile. */
  async repair(signal: AbortSignal): Promise<DoctorReport> {
    const mended: Complaint[] = [];
    let found = await this.look(signal);
    for (let round = 0; round < MOST_ROUNDS && !signal.aborted; round += 1) {
      const changed = await this.mendAll(found, signal);
      if (changed.length === 0) break;
      mended.push(...changed.filter((one) => !mended.some((known) => isSame(known, one))));
      found = await this.look(signal);
    }
    const isLeft = (one: Complaint): boolean => found.some((left) => isSame(left, one));
    return this.reportOf(
      found,
      mended.filter((one) => !isLeft(one)),
    );
  }

  private async mendAll(found: readonly Complaint[], signal: AbortSignal): Promise<Complaint[]> {
    const changed: Complaint[] = [];
    for (const one of found) {
      if (signal.aborted) break;
      if (await one.mend?.()) changed.push(one);
    }
    return changed;
  }

  private async look(signal: AbortSignal): Promise<Complaint[]> {
    const { core } = this;
    const ofStore = await storeComplaints(core, this.motionMs, signal);
    const isReadable = !ofStore.some(({ code }) => UNREADABLE.has(code));
    // Counts would lack what cannot be read.
    const mendable = isReadable ? ofStore : ofStore.map((one) => ({ ...one, mendable: false, mend: null }));
    const found = [
      ...(await workComplaints(core)),
      ...(await rootComplaints(core)),
      ...mendable,
      ...(await fileComplaints(core, this.log, isReadable, signal)),
    ];
    signal.throwIfAborted();
    return found;
  }

  private reportOf(found: readonly Complaint[], mended: readonly Complaint[]): DoctorReport {
    const bySeverity = (a: Complaint, b: Complaint): number =>
      SEVERITIES.indexOf(a.severity) - SEVERITIES.indexOf(b.severity);
    return {
      at: this.core.clock.now(),
      findings: found.toSorted(bySeverity).map(findingOf),
      mended: mended.map(findingOf),
    };
  }
}

function findingOf({ code, severity, subject, what, remedy, mendable }: Complaint): DoctorFinding {
  return { code, severity, subject, what, remedy, mendable };
}

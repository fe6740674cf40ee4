import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import type { BulkReport } from '../server/answers.js';
import { isAbort } from '../server/server.js';
import { ServerFault } from '../server/server-fault.js';
import { usePage } from '../state/page-context.js';
import { countBody, endBodies, type EndTarget } from './end-target.js';
import { sumOfReports } from './sum-of-reports.js';

export type EndingStep =
  /** A dry run counts what would end. */
  | { readonly kind: 'counting' }
  | { readonly kind: 'counted'; readonly plan: BulkReport }
  | { readonly kind: 'ending'; readonly plan: BulkReport; readonly done: number }
  | { readonly kind: 'ended'; readonly report: BulkReport }
  /** `mayHaveEnded`: the server was asked to end them, and its answer did not arrive. */
  | { readonly kind: 'failed'; readonly fault: ServerFault; readonly mayHaveEnded: boolean };

export interface Ending {
  readonly step: EndingStep;
  /** Ends what was counted, and nothing else. */
  readonly end: () => void;
  readonly count: () => void;
  /** Ends again what could not be ended. */
  readonly retry: (ids: readonly string[]) => void;
}

const PROGRESS_MS = 1000;
const PATH = ['cleanup'];

/** Ends sessions in two steps: a dry run whose figures are shown, then those sessions at most. */
export function useEnding(target: EndTarget): Ending {
  const { server } = usePage();
  const [step, setStep] = useState<EndingStep>({ kind: 'counting' });
  const gone = useRef(new AbortController());

  const dryRun = useCallback(
    (asOf: string | null) => server.post<BulkReport>(PATH, countBody(target, asOf), gone.current.signal),
    [server, target],
  );

  const fail = (error: unknown, mayHaveEnded: boolean): void => {
    if (gone.current.signal.aborted || isAbort(error)) return;
    const fault = error instanceof ServerFault ? error : new ServerFault(null, []);
    setStep({ kind: 'failed', fault, mayHaveEnded });
  };

  const count = useCallback(async (): Promise<void> => {
    setStep({ kind: 'counting' });
    try {
      setStep({ kind: 'counted', plan: await dryRun(null) });
    } catch (error) {
      fail(error, false);
    }
  }, [dryRun]);

  const endAll = async (plan: BulkReport, ids: readonly string[]): Promise<void> => {
    setStep({ kind: 'ending', plan, done: 0 });
    const stopProgress = follow(
      plan,
      () => dryRun(plan.as_of),
      (done) => {
        setStep((before) => (before.kind === 'ending' ? { ...before, done } : before));
      },
    );
    let report: BulkReport | null = null;
    try {
      for (const body of endBodies(target, ids, plan.as_of)) {
        // A request that has begun goes on when the page is left: it is not aborted.
        const part: BulkReport = await server.post<BulkReport>(PATH, body);
        report = report === null ? part : sumOfReports(report, part);
        if (part.stopped) break;
      }
      if (report !== null && !gone.current.signal.aborted) setStep({ kind: 'ended', report });
    } catch (error) {
      fail(error, report !== null || !isRefusal(error));
    } finally {
      stopProgress();
    }
  };

  useEffect(() => {
    gone.current = new AbortController();
    void count();
    return () => gone.current.abort();
  }, [count]);

  return {
    step,
    count: () => void count(),
    end: () => {
      if (step.kind !== 'counted') return;
      void endAll(step.plan, target.kind === 'ids' ? target.ids : (step.plan.session_ids ?? []));
    },
    retry: (ids) => {
      if (step.kind !== 'ended') return;
      void endAll({ ...step.report, matched: ids.length, cleaned: 0, failed: [] }, ids);
    },
  };
}

/** A refusal has ended nothing. Without an answer nobody knows, nor where a proxy answers in the place of the server. */
function isRefusal(error: unknown): boolean {
  return error instanceof ServerFault && error.status !== null && error.status < 500;
}

/** How many have ended, by counting those that are left. Answers what stops it. */
function follow(
  plan: BulkReport,
  countLeft: () => Promise<BulkReport>,
  onDone: (done: number) => void,
): () => void {
  let isOver = false;
  let timer = 0;
  const look = async (): Promise<void> => {
    try {
      const { matched } = await countLeft();
      if (!isOver) onDone(Math.max(0, plan.matched - matched));
    } catch {
      // The run itself tells what is wrong.
    }
    if (!isOver) timer = setTimeout(() => void look(), PROGRESS_MS);
  };
  timer = setTimeout(() => void look(), PROGRESS_MS);
  return () => {
    isOver = true;
    clearTimeout(timer);
  };
}

import { useEffect, useRef } from 'preact/hooks';
import { Dialog } from '../parts/dialog.js';
import { FaultNotice } from '../parts/fault-notice.js';
import { Loading } from '../parts/loading.js';
import { usePage } from '../state/page-context.js';
import { texts } from '../text/texts.js';
import { EndConfirm } from './end-confirm.js';
import { EndResult } from './end-result.js';
import type { EndTarget } from './end-target.js';
import { useEnding } from './use-ending.js';

interface Properties {
  readonly target: EndTarget;
  /** `hasEnded`: sessions may have ended. */
  readonly onClose: (hasEnded: boolean) => void;
}

/** Asks before it ends one, several or all that match, and tells what became of them. */
export function EndDialog({ target, onClose }: Properties) {
  const { announce } = usePage();
  const { step, end, count, retry } = useEnding(target);
  const hasEnded = useRef(false);
  // A request that was refused has ended nothing: what is chosen stays chosen.
  if (step.kind === 'ended' || (step.kind === 'failed' && step.mayHaveEnded)) hasEnded.current = true;
  const close = (): void => onClose(hasEnded.current);
  useEffect(() => {
    if (step.kind === 'counted') announce(texts.ending.counted(step.plan));
    if (step.kind === 'ended') announce(texts.ending.result(step.report));
  }, [step, announce]);

  return (
    // What has begun is not hidden before it is known how it went.
    <Dialog title={texts.ending.title} onClose={step.kind === 'ending' ? null : close}>
      {step.kind === 'counting' && <Loading />}
      {step.kind === 'counted' && (
        <EndConfirm plan={step.plan} target={target} onEnd={end} onCancel={close} />
      )}
      {step.kind === 'ending' && (
        <>
          <p>{texts.ending.progress(step.done, step.plan.matched)}</p>
          <progress max={step.plan.matched} value={step.done} aria-label={texts.ending.title} />
        </>
      )}
      {step.kind === 'ended' && <EndResult report={step.report} onRetry={retry} onClose={close} />}
      {step.kind === 'failed' && (
        <>
          <FaultNotice fault={step.fault} />
          {step.mayHaveEnded && <p>{texts.ending.mayHaveEnded}</p>}
          <p class="actions">
            <button type="button" onClick={count}>
              {texts.ending.countAgain}
            </button>
            <button type="button" onClick={close}>
              {texts.close}
            </button>
          </p>
        </>
      )}
    </Dialog>
  );
}

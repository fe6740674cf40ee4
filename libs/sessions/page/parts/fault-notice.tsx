import type { ServerFault } from '../server/server-fault.js';
import { texts } from '../text/texts.js';

interface Properties {
  readonly fault: ServerFault | null;
  readonly onRetry?: () => void;
}

/** Why something could not be read or done; nothing if it could. */
export function FaultNotice({ fault, onRetry }: Properties) {
  // Another sign-in is asked for instead.
  if (fault === null || fault.status === 401) return null;
  return (
    <div class="notice bad" role="alert">
      <p>{texts.faults.of(fault.status, fault.messages)}</p>
      {onRetry && (
        <button type="button" onClick={onRetry}>
          {texts.tryAgain}
        </button>
      )}
    </div>
  );
}

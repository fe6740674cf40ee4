import { useId } from 'preact/hooks';
import { texts } from '../../text/texts.js';

interface Properties {
  /** Days in UTC (`2026-11-29`); empty: not bounded. */
  readonly from: string;
  readonly to: string;
  readonly onChoose: (days: { readonly from: string; readonly to: string }) => void;
}

export function AuditDays({ from, to, onChoose }: Properties) {
  const id = useId();
  return (
    <div class="row days" role="group" aria-label={texts.audit.days}>
      <label for={`${id}-from`}>{texts.audit.from}</label>
      <input
        id={`${id}-from`}
        type="date"
        value={from}
        onChange={({ currentTarget }) => onChoose({ from: currentTarget.value, to })}
      />
      <label for={`${id}-to`}>{texts.audit.to}</label>
      <input
        id={`${id}-to`}
        type="date"
        value={to}
        onChange={({ currentTarget }) => onChoose({ from, to: currentTarget.value })}
      />
    </div>
  );
}

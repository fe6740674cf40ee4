import { formatPercent } from '../text/format.js';

const NEAR_PERCENT = 80;

interface Properties {
  /** Of a limit, in percent. */
  readonly share: number;
  readonly label: string;
}

export function ShareBar({ share, label }: Properties) {
  return (
    <span class={share >= NEAR_PERCENT ? 'share near' : 'share'}>
      <meter min={0} max={100} value={Math.min(100, share)} aria-label={label} />
      <span>{formatPercent(share)}</span>
    </span>
  );
}

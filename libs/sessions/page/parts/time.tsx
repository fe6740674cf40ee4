import { usePage } from '../state/page-context.js';
import { formatTime, formatUtc } from '../text/format.js';
import { texts } from '../text/texts.js';

interface Properties {
  /** ISO 8601. */
  readonly at: string | null | undefined;
}

/** In the time zone of the browser; in UTC while it is pointed at. */
export function Time({ at }: Properties) {
  const { server } = usePage();
  const instant = Date.parse(at ?? '');
  if (!at || Number.isNaN(instant)) return <>{texts.none}</>;
  return (
    <time dateTime={at} title={formatUtc(instant)}>
      {formatTime(instant, server.now())}
    </time>
  );
}

import { ShareBar } from '../../parts/share-bar.js';
import type { SessionDetail } from '../../server/answers.js';
import { formatBytes, formatNumber } from '../../text/format.js';
import { texts } from '../../text/texts.js';
import { limitsOf } from './limits.js';

interface Properties {
  readonly session: SessionDetail;
}

/** How much of its limits the session has used. */
export function LimitsUsed({ session }: Properties) {
  const limits = limitsOf(session);
  if (limits.length === 0) return null;
  return (
    <section aria-labelledby="limits">
      <h2 id="limits">{texts.session.limits}</h2>
      <ul class="limits">
        {limits.map(({ name, used, max, share }) => {
          const format = name === 'bytes' ? formatBytes : formatNumber;
          return (
            <li key={name}>
              <span>{texts.session.limitNames[name]}</span>{' '}
              <ShareBar share={share} label={texts.session.limitNames[name]} />{' '}
              <span>{texts.usedOf(format(used), format(max))}</span>
            </li>
          );
        })}
      </ul>
    </section>
  );
}

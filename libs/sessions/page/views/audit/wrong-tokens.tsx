import { TableRegion } from '../../parts/table-region.js';
import { Time } from '../../parts/time.js';
import { UserText } from '../../parts/user-text.js';
import type { AuditPage } from '../../server/answers.js';
import { formatNumber } from '../../text/format.js';
import { texts } from '../../text/texts.js';

interface Properties {
  readonly counts: NonNullable<AuditPage['wrong_tokens']>;
}

/** Wrong admin tokens, by network and minute. */
export function WrongTokens({ counts }: Properties) {
  return (
    <section aria-labelledby="wrong-tokens">
      <h2 id="wrong-tokens">{texts.audit.wrongTokens}</h2>
      <TableRegion label={texts.audit.wrongTokens}>
        <thead>
          <tr>
            <th scope="col">{texts.audit.minute}</th>
            <th scope="col">{texts.audit.network}</th>
            <th scope="col" class="number">
              {texts.audit.count}
            </th>
          </tr>
        </thead>
        <tbody>
          {counts.map(({ minute, network, count }) => (
            <tr key={`${minute} ${network}`}>
              <td>
                <Time at={minute} />
              </td>
              <td>
                <UserText text={network} />
              </td>
              <td class="number">{formatNumber(count)}</td>
            </tr>
          ))}
        </tbody>
      </TableRegion>
    </section>
  );
}

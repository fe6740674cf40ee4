import { ShareBar } from '../../parts/share-bar.js';
import { Time } from '../../parts/time.js';
import { UserText } from '../../parts/user-text.js';
import type { LiveSession } from '../../server/answers.js';
import { hashOf } from '../../state/route.js';
import { formatBytes, formatDuration, formatNumber } from '../../text/format.js';
import { texts } from '../../text/texts.js';
import { secondsLeft } from '../../state/seconds-left.js';

interface Properties {
  readonly session: LiveSession;
  /** The time of the server: the list tells when something was, and the row for how long it has been. */
  readonly now: number;
  /** Whether the server no longer lists it. */
  readonly isGone: boolean;
  /** Whether the tabulator key stops here: of all rows, one. */
  readonly isCurrent: boolean;
  /** `null`: sessions cannot be selected. */
  readonly isSelected: boolean | null;
  readonly onSelect: (isSelected: boolean) => void;
}

export function SessionRow({ session, now, isGone, isCurrent, isSelected, onSelect }: Properties) {
  const id = session.session_id;
  const short = id.slice(0, 8);
  const left = secondsLeft(session, now);
  const tabIndex = isCurrent ? 0 : -1;
  return (
    <tr class={isGone ? 'gone' : undefined} data-id={id} aria-selected={isSelected ?? undefined}>
      {isSelected !== null && (
        <td class="select">
          <input
            type="checkbox"
            checked={isSelected}
            tabIndex={tabIndex}
            aria-label={texts.selectSession(short)}
            onChange={({ currentTarget }) => onSelect(currentTarget.checked)}
          />
        </td>
      )}
      <td>
        <a class="id" href={hashOf('sessions', {}, id)} title={id} tabIndex={tabIndex}>
          {short}
        </a>
        {isGone && <span class="unseen"> {texts.noLongerListed}</span>}
      </td>
      <td class="user">{session.user_id === null ? texts.none : <UserText text={session.user_id} />}</td>
      <td>
        <UserText text={session.ip_address} />
      </td>
      <td>
        <Time at={session.created_at} />
      </td>
      <td class="number">{formatDuration((now - Date.parse(session.last_activity)) / 1000)}</td>
      <td class="number">{left === null ? texts.none : formatDuration(left)}</td>
      <td class="number">{formatNumber(session.request_count)}</td>
      <td class="number">{formatNumber(session.resource_count)}</td>
      <td class="number">{formatBytes(session.total_bytes_used)}</td>
      <td>
        {session.share_of_limit === undefined ? (
          texts.none
        ) : (
          <ShareBar share={session.share_of_limit} label={texts.shareOf(short)} />
        )}
      </td>
    </tr>
  );
}

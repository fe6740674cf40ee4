import { Facts } from '../../parts/facts.js';
import { Time } from '../../parts/time.js';
import { UserText } from '../../parts/user-text.js';
import type { SessionDetail } from '../../server/answers.js';
import { hashOf } from '../../state/route.js';
import { filterTerm } from '../../state/session-filter.js';
import { formatBytes, formatDuration, formatNumber } from '../../text/format.js';
import { texts } from '../../text/texts.js';

interface Properties {
  readonly session: SessionDetail;
}

export function SessionFacts({ session }: Properties) {
  const { user_id: userId, ip_address: address, incoming } = session;
  return (
    <section aria-labelledby="facts">
      <h2 id="facts">{texts.session.facts}</h2>
      <Facts
        facts={[
          [texts.columns.state, texts.states.live],
          [
            texts.columns.user,
            userId === null ? (
              texts.nobody
            ) : (
              <a href={hashOf('users', { user: userId })}>
                <UserText text={userId} />
              </a>
            ),
          ],
          [
            texts.columns.address,
            <a href={hashOf('sessions', { q: filterTerm('ip:', address) })}>
              <UserText text={address} />
            </a>,
          ],
          [texts.session.agent, <UserText text={session.user_agent} />],
          [texts.session.binding, texts.session.bound],
          [texts.columns.opened, <Time at={session.created_at} />],
          [
            texts.session.lastActivity,
            <>
              <Time at={session.last_activity} /> ({texts.ago(formatDuration(session.idle_seconds))})
            </>,
          ],
          session.idle_expires_at ? [texts.session.idleEnd, <Time at={session.idle_expires_at} />] : null,
          session.expires_at ? [texts.session.absoluteEnd, <Time at={session.expires_at} />] : null,
          [texts.columns.requests, formatNumber(session.request_count)],
          incoming.resources > 0
            ? [texts.session.incoming, texts.filesOf(incoming.resources, formatBytes(incoming.bytes))]
            : null,
        ]}
      />
    </section>
  );
}

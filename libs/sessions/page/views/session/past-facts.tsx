import { ActorName } from '../../parts/actor-name.js';
import { Facts } from '../../parts/facts.js';
import { Time } from '../../parts/time.js';
import type { PastSession } from '../../server/answers.js';
import { formatBytes, formatDuration, formatNumber } from '../../text/format.js';
import { known, texts } from '../../text/texts.js';

interface Properties {
  readonly session: PastSession;
}

/** What is known of a session that is over. Where no timeline was kept, little is. */
export function PastFacts({ session }: Properties) {
  const { duration_seconds: duration, request_count: requests, resource_count: files } = session;
  const bytes = session.total_bytes_used;
  return (
    <section aria-labelledby="facts">
      <h2 id="facts">{texts.session.facts}</h2>
      <Facts
        facts={[
          [texts.columns.state, texts.states[session.state]],
          [
            texts.columns.reason,
            session.end_reason === null ? texts.none : known(texts.endReasons, session.end_reason),
          ],
          [texts.columns.by, <ActorName actor={session.ended_by} />],
          [texts.columns.opened, <Time at={session.created_at} />],
          [texts.columns.ended, <Time at={session.ended_at} />],
          duration === null ? null : [texts.columns.lasted, formatDuration(duration)],
          requests === null ? null : [texts.columns.requests, formatNumber(requests)],
          files === null || bytes === null
            ? null
            : [texts.session.held, texts.filesOf(files, formatBytes(bytes))],
        ]}
      />
    </section>
  );
}

import { ActorName } from '../../parts/actor-name.js';
import { FaultNotice } from '../../parts/fault-notice.js';
import { MoreButton } from '../../parts/more-button.js';
import { Time } from '../../parts/time.js';
import type { TimelineEntry, TimelinePage } from '../../server/answers.js';
import { usePage } from '../../state/page-context.js';
import { usePages } from '../../state/use-pages.js';
import { known, texts } from '../../text/texts.js';
import { EntryFacts } from './entry-facts.js';

const PAGE_SIZE = 100;

interface Properties {
  readonly id: string;
  /** It is read again so often. */
  readonly everyMs: number;
}

/** What happened to a session, the oldest first. */
export function Timeline({ id, everyMs }: Properties) {
  const { server } = usePage();
  const pages = usePages<TimelineEntry>(
    `timeline ${id}`,
    async (cursor, signal) => {
      const parameters = { limit: PAGE_SIZE, ...(cursor !== undefined && { cursor }) };
      const page = await server.get<TimelinePage>([id, 'timeline'], parameters, signal);
      return { items: page.entries, next: page.next_cursor };
    },
    everyMs,
  );
  return (
    <section aria-labelledby="timeline">
      <h2 id="timeline">{texts.session.timeline}</h2>
      <FaultNotice fault={pages.fault} onRetry={pages.reload} />
      {pages.items?.length === 0 && <p class="empty">{texts.session.noTimeline}</p>}
      <ol class="timeline" aria-busy={pages.isLoading}>
        {pages.items?.map((entry, index) => (
          <li key={index}>
            <Time at={entry.at} />
            <strong>{known(texts.entries, entry.kind)}</strong>
            <span>
              <EntryFacts entry={entry} />
            </span>
            {entry.by && (
              <span class="by">
                <ActorName actor={entry.by} />
              </span>
            )}
          </li>
        ))}
      </ol>
      <MoreButton {...pages} onMore={pages.more} />
      <p>
        <button type="button" onClick={pages.reload}>
          {texts.refresh}
        </button>
      </p>
    </section>
  );
}

import { ActorName } from '../../parts/actor-name.js';
import { FaultNotice } from '../../parts/fault-notice.js';
import { Heading } from '../../parts/heading.js';
import { Loading } from '../../parts/loading.js';
import { MoreButton } from '../../parts/more-button.js';
import { ColumnTable, type TableColumn } from '../../parts/column-table.js';
import { Time } from '../../parts/time.js';
import type { AuditEntry, AuditPage } from '../../server/answers.js';
import { hashOf } from '../../state/route.js';
import { usePage } from '../../state/page-context.js';
import { usePages } from '../../state/use-pages.js';
import { navigate } from '../../state/use-route.js';
import { formatBytes, formatNumber } from '../../text/format.js';
import { known, texts } from '../../text/texts.js';
import { AuditDays } from './audit-days.js';
import { AuditSubject } from './audit-subject.js';
import { WrongTokens } from './wrong-tokens.js';

const PAGE_SIZE = 100;
const REFRESH_MS = 5000;

const COLUMNS: readonly TableColumn<AuditEntry>[] = [
  { title: texts.audit.at, cell: ({ at }) => <Time at={at} /> },
  { title: texts.audit.deed, cell: ({ deed }) => known(texts.audit.deeds, deed) },
  { title: texts.columns.by, cell: ({ by }) => <ActorName actor={by} /> },
  { title: texts.audit.subject, cell: (entry) => <AuditSubject entry={entry} /> },
  {
    title: texts.audit.outcome,
    cell: ({ outcome }) => (
      <span class={outcome === 'failed' ? 'fault' : undefined}>{known(texts.audit.outcomes, outcome)}</span>
    ),
  },
  {
    title: texts.viewNames.sessions,
    class: 'number',
    cell: ({ sessions }) => formatNumber(sessions),
  },
  { title: texts.columns.files, class: 'number', cell: ({ resources }) => formatNumber(resources) },
  { title: texts.columns.bytes, class: 'number', cell: ({ bytes }) => formatBytes(bytes) },
];

interface Properties {
  /** `from`, `to`: days in UTC. */
  readonly parameters: Readonly<Record<string, string>>;
}

/** What operators did, the latest first. */
export function AuditView({ parameters: { from, to } }: Properties) {
  const { server } = usePage();
  const range = { ...(from && { from }), ...(to && { to }) };
  const read = async (cursor: string | undefined, signal: AbortSignal) => {
    const page = await server.get<AuditPage>(
      ['audit'],
      { limit: PAGE_SIZE, ...range, ...(cursor !== undefined && { cursor }) },
      signal,
    );
    // Only the first page has them.
    const wrong = page.wrong_tokens ? [{ wrong: page.wrong_tokens }] : [];
    return { items: [...wrong, ...page.entries], next: page.next_cursor };
  };
  const pages = usePages<AuditEntry | Wrong>(`audit ${from} ${to}`, read, REFRESH_MS);
  const entries = pages.items?.filter((item): item is AuditEntry => !('wrong' in item));
  const wrong = pages.items?.find((item): item is Wrong => 'wrong' in item)?.wrong ?? [];
  return (
    <>
      <Heading text={texts.viewNames.audit} />
      <AuditDays from={from ?? ''} to={to ?? ''} onChoose={(days) => navigate(hashOf('audit', days))} />
      <FaultNotice fault={pages.fault} onRetry={pages.reload} />
      {pages.items === null && pages.isLoading && <Loading />}
      {entries?.length === 0 && <p class="empty">{texts.audit.none}</p>}
      {entries && entries.length > 0 && (
        <ColumnTable
          label={texts.viewNames.audit}
          rows={entries}
          keyOf={(_, index) => index}
          columns={COLUMNS}
        />
      )}
      <MoreButton {...pages} onMore={pages.more} />
      {wrong.length > 0 && <WrongTokens counts={wrong} />}
    </>
  );
}

interface Wrong {
  readonly wrong: NonNullable<AuditPage['wrong_tokens']>;
}

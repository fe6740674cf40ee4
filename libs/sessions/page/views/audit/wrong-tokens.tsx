import { ColumnTable, type TableColumn } from '../../parts/column-table.js';
import { Time } from '../../parts/time.js';
import { UserText } from '../../parts/user-text.js';
import type { AuditPage } from '../../server/answers.js';
import { formatNumber } from '../../text/format.js';
import { texts } from '../../text/texts.js';

type Count = NonNullable<AuditPage['wrong_tokens']>[number];

const COLUMNS: readonly TableColumn<Count>[] = [
  { title: texts.audit.minute, cell: ({ minute }) => <Time at={minute} /> },
  { title: texts.audit.network, cell: ({ network }) => <UserText text={network} /> },
  { title: texts.audit.count, class: 'number', cell: ({ count }) => formatNumber(count) },
];

interface Properties {
  readonly counts: readonly Count[];
}

/** Wrong admin tokens, by network and minute. */
export function WrongTokens({ counts }: Properties) {
  return (
    <section aria-labelledby="wrong-tokens">
      <h2 id="wrong-tokens">{texts.audit.wrongTokens}</h2>
      <ColumnTable
        label={texts.audit.wrongTokens}
        rows={counts}
        keyOf={({ minute, network }) => `${minute} ${network}`}
        columns={COLUMNS}
      />
    </section>
  );
}

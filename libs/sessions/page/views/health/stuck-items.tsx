import { ColumnTable, type TableColumn } from '../../parts/column-table.js';
import { Time } from '../../parts/time.js';
import { UserText } from '../../parts/user-text.js';
import type { StuckItem } from '../../server/health-answers.js';
import { formatNumber } from '../../text/format.js';
import { texts } from '../../text/texts.js';

const { health } = texts;

const COLUMNS: readonly TableColumn<StuckItem>[] = [
  { title: health.item, cell: ({ item }) => <UserText text={item} /> },
  { title: health.node, cell: ({ node_id: node }) => <UserText text={node} /> },
  { title: health.attempts, class: 'number', cell: ({ attempts }) => formatNumber(attempts) },
  { title: health.nextTry, cell: ({ next_try: at }) => <Time at={at} /> },
];

interface Properties {
  readonly items: readonly StuckItem[];
}

export function StuckItems({ items }: Properties) {
  if (items.length === 0) return <p class="good">{health.stuck(0)}</p>;
  return (
    <>
      <p class="fault">{health.stuck(items.length)}</p>
      <ColumnTable
        label={health.stuckItems}
        rows={items}
        keyOf={({ node_id: node, item }) => `${node} ${item}`}
        columns={COLUMNS}
      />
    </>
  );
}

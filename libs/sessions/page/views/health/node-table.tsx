import { ColumnTable, type TableColumn } from '../../parts/column-table.js';
import { Time } from '../../parts/time.js';
import { UserText } from '../../parts/user-text.js';
import type { Overview } from '../../server/health-answers.js';
import { formatNumber } from '../../text/format.js';
import { texts } from '../../text/texts.js';

const { health } = texts;

type Node = NonNullable<Overview['nodes']>[number];

const COLUMNS: readonly TableColumn<Node>[] = [
  { title: health.node, isRowHead: true, cell: ({ node_id: id }) => <UserText text={id} /> },
  {
    title: texts.columns.state,
    cell: ({ state }) => <span class={state === 'away' ? 'fault' : 'good'}>{health.nodeStates[state]}</span>,
  },
  { title: texts.columns.files, class: 'number', cell: ({ resources }) => formatNumber(resources) },
  {
    title: texts.columns.address,
    cell: ({ address }) => (address === null ? texts.none : <UserText text={address} />),
  },
  { title: health.lastHeard, cell: ({ last_seen: at }) => <Time at={at} /> },
];

interface Properties {
  readonly nodes: readonly Node[];
}

/** Machines with files of their own. */
export function NodeTable({ nodes }: Properties) {
  return (
    <section aria-labelledby="nodes">
      <h2 id="nodes">{health.nodes}</h2>
      <ColumnTable label={health.nodes} rows={nodes} keyOf={({ node_id: id }) => id} columns={COLUMNS} />
    </section>
  );
}

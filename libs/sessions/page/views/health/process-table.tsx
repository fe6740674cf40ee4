import { ColumnTable, type TableColumn } from '../../parts/column-table.js';
import { Time } from '../../parts/time.js';
import { UserText } from '../../parts/user-text.js';
import type { Overview } from '../../server/health-answers.js';
import { formatBytes } from '../../text/format.js';
import { known, texts } from '../../text/texts.js';

const { health } = texts;

type Process = NonNullable<Overview['processes']>[number];

const COLUMNS: readonly TableColumn<Process>[] = [
  {
    title: health.host,
    isRowHead: true,
    hint: ({ process_id: id }) => id,
    cell: (one) => <UserText text={placeOf(one)} />,
  },
  { title: health.role, cell: ({ role }) => known(health.roles, role) },
  {
    title: texts.columns.state,
    cell: ({ alive }) => <span class={alive ? 'good' : 'fault'}>{alive ? health.alive : health.silent}</span>,
  },
  {
    title: health.version,
    cell: ({ version }) => (version === undefined ? texts.none : <UserText text={version} />),
  },
  {
    title: health.disk,
    cell: ({ disk }) =>
      disk ? texts.freeOf(formatBytes(disk.free_bytes), formatBytes(disk.total_bytes)) : texts.none,
  },
  { title: health.started, cell: ({ started_at: at }) => <Time at={at} /> },
  { title: health.lastHeard, cell: ({ last_heard: at }) => <Time at={at} /> },
];

interface Properties {
  readonly processes: readonly Process[];
}

export function ProcessTable({ processes }: Properties) {
  return (
    <section aria-labelledby="processes">
      <h2 id="processes">{health.processes}</h2>
      <ColumnTable
        label={health.processes}
        rows={processes}
        keyOf={({ process_id: id }) => id}
        columns={COLUMNS}
      />
    </section>
  );
}

function placeOf({ process_id: id, host, pid }: Process): string {
  if (host === undefined) return id;
  return pid === undefined ? host : `${host}:${pid}`;
}

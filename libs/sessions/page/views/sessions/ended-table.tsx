import { ActorName } from '../../parts/actor-name.js';
import { ColumnTable, type TableColumn } from '../../parts/column-table.js';
import { Time } from '../../parts/time.js';
import type { PastSession } from '../../server/answers.js';
import { hashOf } from '../../state/route.js';
import { formatBytes, formatDuration, formatNumber } from '../../text/format.js';
import { known, texts } from '../../text/texts.js';

const COLUMNS: readonly TableColumn<PastSession>[] = [
  {
    title: texts.columns.session,
    cell: ({ session_id: id }) => (
      <a class="id" href={hashOf('sessions', {}, id)} title={id}>
        {id.slice(0, 8)}
      </a>
    ),
  },
  { title: texts.columns.ended, cell: ({ ended_at: at }) => <Time at={at} /> },
  {
    title: texts.columns.reason,
    cell: ({ end_reason: reason }) => (reason === null ? texts.none : known(texts.endReasons, reason)),
  },
  { title: texts.columns.by, cell: ({ ended_by: actor }) => <ActorName actor={actor} /> },
  {
    title: texts.columns.lasted,
    class: 'number',
    cell: ({ duration_seconds: seconds }) => shown(seconds, formatDuration),
  },
  {
    title: texts.columns.requests,
    class: 'number',
    cell: ({ request_count: requests }) => shown(requests, formatNumber),
  },
  {
    title: texts.columns.files,
    class: 'number',
    cell: ({ resource_count: resources }) => shown(resources, formatNumber),
  },
  {
    title: texts.columns.bytes,
    class: 'number',
    cell: ({ total_bytes_used: bytes }) => shown(bytes, formatBytes),
  },
];

interface Properties {
  readonly rows: readonly PastSession[];
}

/** Sessions that are over, the latest end first. */
export function EndedTable({ rows }: Properties) {
  return (
    <ColumnTable
      label={texts.endedSessions}
      rows={rows}
      keyOf={({ session_id: id }) => id}
      columns={COLUMNS}
    />
  );
}

function shown(value: number | null, format: (value: number) => string): string {
  return value === null ? texts.none : format(value);
}

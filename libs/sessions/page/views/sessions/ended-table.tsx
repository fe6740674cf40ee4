import { ActorName } from '../../parts/actor-name.js';
import { TableRegion } from '../../parts/table-region.js';
import { Time } from '../../parts/time.js';
import type { PastSession } from '../../server/answers.js';
import { hashOf } from '../../state/route.js';
import { formatBytes, formatDuration, formatNumber } from '../../text/format.js';
import { known, texts } from '../../text/texts.js';

interface Properties {
  readonly rows: readonly PastSession[];
}

/** Sessions that are over, the latest end first. */
export function EndedTable({ rows }: Properties) {
  return (
    <TableRegion label={texts.endedSessions}>
      <thead>
        <tr>
          <th scope="col">{texts.columns.session}</th>
          <th scope="col">{texts.columns.ended}</th>
          <th scope="col">{texts.columns.reason}</th>
          <th scope="col">{texts.columns.by}</th>
          <th scope="col" class="number medium">
            {texts.columns.lasted}
          </th>
          <th scope="col" class="number wide">
            {texts.columns.requests}
          </th>
          <th scope="col" class="number medium">
            {texts.columns.files}
          </th>
          <th scope="col" class="number medium">
            {texts.columns.bytes}
          </th>
        </tr>
      </thead>
      <tbody>
        {rows.map((session) => (
          <tr key={session.session_id}>
            <td>
              <a class="id" href={hashOf('sessions', {}, session.session_id)} title={session.session_id}>
                {session.session_id.slice(0, 8)}
              </a>
            </td>
            <td>
              <Time at={session.ended_at} />
            </td>
            <td>{session.end_reason === null ? texts.none : known(texts.endReasons, session.end_reason)}</td>
            <td>
              <ActorName actor={session.ended_by} />
            </td>
            <td class="number medium">{shown(session.duration_seconds, formatDuration)}</td>
            <td class="number wide">{shown(session.request_count, formatNumber)}</td>
            <td class="number medium">{shown(session.resource_count, formatNumber)}</td>
            <td class="number medium">{shown(session.total_bytes_used, formatBytes)}</td>
          </tr>
        ))}
      </tbody>
    </TableRegion>
  );
}

function shown(value: number | null, format: (value: number) => string): string {
  return value === null ? texts.none : format(value);
}

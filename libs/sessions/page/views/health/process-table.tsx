import { TableRegion } from '../../parts/table-region.js';
import { Time } from '../../parts/time.js';
import { UserText } from '../../parts/user-text.js';
import type { Overview } from '../../server/health-answers.js';
import { formatBytes } from '../../text/format.js';
import { known, texts } from '../../text/texts.js';

interface Properties {
  readonly processes: NonNullable<Overview['processes']>;
}

export function ProcessTable({ processes }: Properties) {
  const { health } = texts;
  return (
    <section aria-labelledby="processes">
      <h2 id="processes">{health.processes}</h2>
      <TableRegion label={health.processes}>
        <thead>
          <tr>
            <th scope="col">{health.host}</th>
            <th scope="col">{health.role}</th>
            <th scope="col">{texts.columns.state}</th>
            <th scope="col" class="medium">
              {health.version}
            </th>
            <th scope="col" class="medium">
              {health.disk}
            </th>
            <th scope="col" class="wide">
              {health.started}
            </th>
            <th scope="col" class="medium">
              {health.lastHeard}
            </th>
          </tr>
        </thead>
        <tbody>
          {processes.map((one) => (
            <tr key={one.process_id}>
              <th scope="row" title={one.process_id}>
                <UserText
                  text={
                    one.host === undefined
                      ? one.process_id
                      : `${one.host}${one.pid === undefined ? '' : `:${one.pid}`}`
                  }
                />
              </th>
              <td>{known(health.roles, one.role)}</td>
              <td>
                <span class={one.alive ? 'good' : 'fault'}>{one.alive ? health.alive : health.silent}</span>
              </td>
              <td class="medium">
                {one.version === undefined ? texts.none : <UserText text={one.version} />}
              </td>
              <td class="medium">
                {one.disk
                  ? texts.freeOf(formatBytes(one.disk.free_bytes), formatBytes(one.disk.total_bytes))
                  : texts.none}
              </td>
              <td class="wide">
                <Time at={one.started_at} />
              </td>
              <td class="medium">
                <Time at={one.last_heard} />
              </td>
            </tr>
          ))}
        </tbody>
      </TableRegion>
    </section>
  );
}

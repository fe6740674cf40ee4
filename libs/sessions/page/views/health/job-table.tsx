import { TableRegion } from '../../parts/table-region.js';
import { Time } from '../../parts/time.js';
import { UserText } from '../../parts/user-text.js';
import type { Overview } from '../../server/health-answers.js';
import { formatMilliseconds, formatNumber } from '../../text/format.js';
import { known, texts } from '../../text/texts.js';
import { StuckItems } from './stuck-items.js';

interface Properties {
  readonly overview: Overview;
}

/** When each cleanup ran, and what waits for one. */
export function JobTable({ overview: { cleanup = {}, due, stuck } }: Properties) {
  const { health } = texts;
  return (
    <section aria-labelledby="cleanup">
      <h2 id="cleanup">{health.cleanup}</h2>
      <TableRegion label={health.cleanup}>
        <thead>
          <tr>
            <th scope="col">{health.job}</th>
            <th scope="col">{health.lastRun}</th>
            <th scope="col" class="number medium">
              {health.took}
            </th>
            <th scope="col" class="number">
              {health.items}
            </th>
            <th scope="col" class="number">
              {health.failures}
            </th>
            <th scope="col" class="medium">
              {health.nextRun}
            </th>
          </tr>
        </thead>
        <tbody>
          {Object.entries(cleanup).map(([name, job]) => (
            <tr key={name}>
              <th scope="row">{known(health.jobs, name)}</th>
              <td>
                <Time at={job.last_run} />
                {job.last_error && (
                  <p class="fault">
                    <UserText text={job.last_error} />
                  </p>
                )}
              </td>
              <td class="number medium">
                {job.duration_seconds === null ? texts.none : formatMilliseconds(job.duration_seconds * 1000)}
              </td>
              <td class="number">{job.items === null ? texts.none : formatNumber(job.items)}</td>
              <td class={job.failures ? 'number fault' : 'number'}>
                {job.failures === null ? texts.none : formatNumber(job.failures)}
              </td>
              <td class="medium">
                <Time at={job.next_run} />
              </td>
            </tr>
          ))}
        </tbody>
      </TableRegion>
      {due && <p>{health.due(due.idle, due.expired)}</p>}
      {stuck && <StuckItems items={stuck} />}
    </section>
  );
}

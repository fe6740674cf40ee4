import { ColumnTable, type TableColumn } from '../../parts/column-table.js';
import { Time } from '../../parts/time.js';
import { UserText } from '../../parts/user-text.js';
import type { Overview } from '../../server/health-answers.js';
import { formatMilliseconds, formatNumber } from '../../text/format.js';
import { known, texts } from '../../text/texts.js';
import { StuckItems } from './stuck-items.js';

const { health } = texts;

type Job = readonly [name: string, job: NonNullable<Overview['cleanup']>[string]];

const COLUMNS: readonly TableColumn<Job>[] = [
  { title: health.job, isRowHead: true, cell: ([name]) => known(health.jobs, name) },
  {
    title: health.lastRun,
    cell: ([, job]) => (
      <>
        <Time at={job.last_run} />
        {job.last_error && (
          <p class="fault">
            <UserText text={job.last_error} />
          </p>
        )}
      </>
    ),
  },
  {
    title: health.took,
    class: 'number',
    cell: ([, { duration_seconds: seconds }]) =>
      seconds === null ? texts.none : formatMilliseconds(seconds * 1000),
  },
  {
    title: health.items,
    class: 'number',
    cell: ([, { items }]) => (items === null ? texts.none : formatNumber(items)),
  },
  {
    title: health.failures,
    class: 'number',
    cellClass: ([, { failures }]) => (failures ? 'number fault' : 'number'),
    cell: ([, { failures }]) => (failures === null ? texts.none : formatNumber(failures)),
  },
  { title: health.nextRun, cell: ([, job]) => <Time at={job.next_run} /> },
];

interface Properties {
  readonly overview: Overview;
}

/** When each cleanup ran, and what waits for one. */
export function JobTable({ overview: { cleanup = {}, due, stuck } }: Properties) {
  return (
    <section aria-labelledby="cleanup">
      <h2 id="cleanup">{health.cleanup}</h2>
      <ColumnTable
        label={health.cleanup}
        rows={Object.entries(cleanup)}
        keyOf={([name]) => name}
        columns={COLUMNS}
      />
      {due && <p>{health.due(due.idle, due.expired)}</p>}
      {stuck && <StuckItems items={stuck} />}
    </section>
  );
}

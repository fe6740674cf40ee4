import { Facts } from '../../parts/facts.js';
import { FaultNotice } from '../../parts/fault-notice.js';
import { Heading } from '../../parts/heading.js';
import { Loading } from '../../parts/loading.js';
import { Time } from '../../parts/time.js';
import type { Overview } from '../../server/health-answers.js';
import { usePage } from '../../state/page-context.js';
import { useAnswer } from '../../state/use-answer.js';
import { formatBytes, formatDuration, formatNumber } from '../../text/format.js';
import { known, texts } from '../../text/texts.js';
import { Alerts } from './alerts.js';
import { JobTable } from './job-table.js';
import { NodeTable } from './node-table.js';
import { ProcessTable } from './process-table.js';

const READ_AGAIN_MS = 5000;

export function HealthView() {
  const { server } = usePage();
  const { answer, fault, isLoading, reload } = useAnswer(
    'overview',
    (signal) => server.get<Overview>(['ui', 'overview'], {}, signal),
    READ_AGAIN_MS,
  );
  return (
    <>
      <Heading text={texts.viewNames.health} />
      <FaultNotice fault={fault} onRetry={reload} />
      {answer === null && isLoading && <Loading />}
      {answer && (
        <>
          {answer.alerts && <Alerts alerts={answer.alerts} />}
          <JobTable overview={answer} />
          {answer.processes && <ProcessTable processes={answer.processes} />}
          {answer.nodes && <NodeTable nodes={answer.nodes} />}
          <Totals overview={answer} />
        </>
      )}
    </>
  );
}

interface TotalsProperties {
  readonly overview: Overview;
}

function Totals({ overview }: TotalsProperties) {
  const { sessions, resources, limits, clock } = overview;
  const { health } = texts;
  return (
    <section aria-labelledby="totals">
      <h2 id="totals">{health.totals}</h2>
      {overview.limits_differ && <p class="fault">{health.limitsDiffer}</p>}
      <Facts
        facts={[
          sessions ? [health.open, formatNumber(sessions.active)] : null,
          sessions ? [health.opened, formatNumber(sessions.total_created)] : null,
          sessions ? [health.ended, formatNumber(sessions.total_cleaned)] : null,
          resources
            ? [health.held, texts.filesOf(resources.active, formatBytes(resources.active_bytes))]
            : null,
          resources
            ? [
                health.deleted,
                texts.filesOf(resources.total_cleaned, formatBytes(resources.total_bytes_cleaned)),
              ]
            : null,
          limits ? [health.maxDuration, formatDuration(limits.max_session_duration)] : null,
          limits ? [health.maxIdle, formatDuration(limits.max_idle_time)] : null,
          limits
            ? [
                health.perSession,
                texts.filesOf(limits.max_resources_per_session, formatBytes(limits.max_bytes_per_session)),
              ]
            : null,
          clock
            ? [
                health.clock,
                <>
                  {known(health.clockStates, clock.state)}; <Time at={clock.store_time} />
                </>,
              ]
            : null,
        ]}
      />
    </section>
  );
}

import { Choice } from '../../parts/choice.js';
import { FaultNotice } from '../../parts/fault-notice.js';
import { Heading } from '../../parts/heading.js';
import { Loading } from '../../parts/loading.js';
import { Time } from '../../parts/time.js';
import type { Trends } from '../../server/answers.js';
import { hashOf } from '../../state/route.js';
import { usePage } from '../../state/page-context.js';
import { useAnswer } from '../../state/use-answer.js';
import { navigate } from '../../state/use-route.js';
import { texts } from '../../text/texts.js';
import { figuresOf } from './figures.js';
import { FigureSection } from './figure-section.js';
import { RANGE_NAMES, RANGES } from './ranges.js';

interface Properties {
  /** `range`: 1h, 24h or 30d. */
  readonly parameters: Readonly<Record<string, string>>;
}

export function TrendsView({ parameters }: Properties) {
  const { server } = usePage();
  const name = RANGE_NAMES.find((one) => one === parameters['range']) ?? '1h';
  const { span, readAgainMs } = RANGES[name];
  const { answer, fault, isLoading, reload } = useAnswer(
    span,
    (signal) => server.get<Trends>(['trends'], { span }, signal),
    readAgainMs,
  );
  const starts = answer?.points.map(({ start }) => Date.parse(start)) ?? [];
  return (
    <>
      <Heading text={texts.viewNames.trends} />
      <Choice
        label={texts.trends.range}
        value={name}
        values={RANGE_NAMES}
        nameOf={(one) => texts.trends.ranges[one]}
        onChoose={(range) => navigate(hashOf('trends', { range }))}
      />
      <FaultNotice fault={fault} onRetry={reload} />
      {answer === null && isLoading && <Loading />}
      {answer && (
        <>
          <p class="hint">
            {texts.trends.by[answer.span]} <Time at={answer.from} /> – <Time at={answer.to} />
          </p>
          <div class="figures">
            {figuresOf(answer).map((figure) => (
              <FigureSection key={figure.name} figure={figure} starts={starts} span={answer.span} />
            ))}
          </div>
        </>
      )}
    </>
  );
}

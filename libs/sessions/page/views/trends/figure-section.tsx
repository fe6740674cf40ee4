import { useState } from 'preact/hooks';
import { ColumnTable, type TableColumn } from '../../parts/column-table.js';
import { Time } from '../../parts/time.js';
import type { Trends } from '../../server/answers.js';
import { texts } from '../../text/texts.js';
import { Chart } from './chart.js';
import type { Figure } from './figures.js';

interface Properties {
  readonly figure: Figure;
  readonly starts: readonly number[];
  readonly span: Trends['span'];
}

/** A chart with the totals of its series; its points as a table for whoever cannot see or point at it. */
export function FigureSection({ figure, starts, span }: Properties) {
  const { name, series, format } = figure;
  const id = `figure-${name}`;
  const title = texts.trends.figures[name];
  const isEmpty = series.every(({ values }) => values.every((value) => !value));
  const [point, setPoint] = useState<number | null>(null);
  const start = point === null ? undefined : starts[point];
  const shown = (value: number | null): string => (value === null ? texts.none : format(value));
  const columns: readonly TableColumn<number>[] = [
    {
      title: texts.trends.from,
      isRowHead: true,
      cell: (from) => <Time at={new Date(from).toISOString()} />,
    },
    ...series.map(({ label, values }) => ({
      title: label,
      class: 'number',
      cell: (_: number, index: number) => shown(values[index] ?? null),
    })),
  ];
  return (
    <section class="figure" aria-labelledby={id}>
      <h2 id={id}>{title}</h2>
      {isEmpty ? (
        <p class="empty">{texts.trends.nothing}</p>
      ) : (
        <>
          <ul class="legend" aria-live="off">
            <li>{start === undefined ? texts.trends.total : <Time at={new Date(start).toISOString()} />}</li>
            {series.map(({ label, total, values }, index) => (
              <li key={label} class={`series-${index % 6}`}>
                <span class="swatch" aria-hidden="true" />
                {label} <strong>{shown(start === undefined ? total : (values[point ?? 0] ?? null))}</strong>
              </li>
            ))}
          </ul>
          <Chart
            label={title}
            starts={starts}
            series={series}
            format={format}
            span={span}
            onPoint={setPoint}
          />
          <details>
            <summary>{texts.trends.asTable}</summary>
            <ColumnTable label={title} rows={starts} keyOf={(from) => from} columns={columns} />
          </details>
        </>
      )}
    </section>
  );
}

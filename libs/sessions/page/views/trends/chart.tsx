import { useEffect, useRef } from 'preact/hooks';
import uPlot from 'uplot';
import type { Trends } from '../../server/answers.js';
import { formatClock, formatDate } from '../../text/format.js';
import { texts } from '../../text/texts.js';
import type { Series } from './figures.js';
import { useDarkMode } from './use-dark-mode.js';

const HEIGHT = 180;
const COLORS = 6;

interface Properties {
  readonly label: string;
  readonly starts: readonly number[];
  readonly series: readonly Series[];
  readonly format: (value: number) => string;
  readonly span: Trends['span'];
  /** Called with the point that the pointer is at, in this or another chart; `null` for none. */
  readonly onPoint: (index: number | null) => void;
}

export function Chart({ label, starts, series, format, span, onPoint }: Properties) {
  const place = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const isDark = useDarkMode();
  const data: uPlot.AlignedData = [
    starts.map((start) => start / 1000),
    ...series.map(({ values }) => [...values]),
  ];
  const names = series.map(({ label: name }) => name).join('\n');

  useEffect(() => {
    const element = place.current;
    if (!element) return undefined;
    const made = new uPlot(optionsOf(element, { series, format, span, onPoint }), data, element);
    plot.current = made;
    const resizing = new ResizeObserver(() => made.setSize({ width: element.clientWidth, height: HEIGHT }));
    resizing.observe(element);
    return () => {
      resizing.disconnect();
      made.destroy();
      plot.current = null;
    };
    // The data that it is made with is replaced below, whenever there is newer.
  }, [names, span, isDark]);
  useEffect(() => plot.current?.setData(data), [starts, series]);

  return <div ref={place} class="chart" role="img" aria-label={texts.trends.chartOf(label)} />;
}

type Drawn = Pick<Properties, 'series' | 'format' | 'span' | 'onPoint'>;

function optionsOf(element: HTMLElement, { series, format, span, onPoint }: Drawn): uPlot.Options {
  const styles = getComputedStyle(element);
  const color = (name: string): string => styles.getPropertyValue(`--${name}`).trim();
  const axis = { stroke: color('muted'), grid: { stroke: color('line'), width: 1 }, ticks: { show: false } };
  const time = span === 'day' ? formatDate : formatClock;
  return {
    width: element.clientWidth,
    height: HEIGHT,
    legend: { show: false },
    cursor: { sync: { key: 'trends' }, drag: { x: false, y: false }, y: false },
    hooks: { setCursor: [({ cursor }) => onPoint(cursor.idx ?? null)] },
    scales: { y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      {
        ...axis,
        values: (_plot, ticks) => ticks.map((seconds) => time(seconds * 1000)),
        space: span === 'day' ? 90 : 50,
      },
      { ...axis, size: 70, values: (_plot, ticks) => ticks.map(format) },
    ],
    series: [
      {},
      ...series.map(({ label, values }, index) => ({
        label,
        stroke: color(`series-${index % COLORS}`),
        width: 2,
        // No line leads to a single one.
        points: { show: values.filter((value) => value !== null).length === 1 },
      })),
    ],
  };
}

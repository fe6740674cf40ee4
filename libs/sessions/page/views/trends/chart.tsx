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
}

export function Chart({ label, starts, series, format, span }: Properties) {
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
    const made = new uPlot(optionsOf(element, series, format, span), data, element);
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

function optionsOf(
  element: HTMLElement,
  series: readonly Series[],
  format: (value: number) => string,
  span: Trends['span'],
): uPlot.Options {
  const styles = getComputedStyle(element);
  const color = (name: string): string => styles.getPropertyValue(`--${name}`).trim();
  const axis = { stroke: color('muted'), grid: { stroke: color('line'), width: 1 }, ticks: { show: false } };
  const time = (seconds: number): string =>
    span === 'day' ? formatDate(seconds * 1000) : formatClock(seconds * 1000);
  const shown = (value: number | null): string => (value === null ? texts.none : format(value));
  return {
    width: element.clientWidth,
    height: HEIGHT,
    cursor: { sync: { key: 'trends' }, drag: { x: false, y: false } },
    scales: { y: { range: (_plot, _min, max) => [0, max > 0 ? max * 1.1 : 1] } },
    axes: [
      { ...axis, values: (_plot, ticks) => ticks.map(time), space: span === 'day' ? 90 : 50 },
      { ...axis, size: 70, values: (_plot, ticks) => ticks.map(format) },
    ],
    series: [
      { value: (_plot, seconds) => (seconds === null ? texts.none : time(seconds)), label: texts.trends.at },
      ...series.map(({ label }, index) => ({
        label,
        stroke: color(`series-${index % COLORS}`),
        width: 2,
        points: { show: false },
        value: (_plot: uPlot, value: number | null) => shown(value),
      })),
    ],
  };
}

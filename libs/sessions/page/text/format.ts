/** Numbers, sizes and times in the language of the browser. */

const NUMBER = new Intl.NumberFormat();
const PERCENT = new Intl.NumberFormat(undefined, { style: 'percent', maximumFractionDigits: 0 });
const TIME = new Intl.DateTimeFormat(undefined, { timeStyle: 'medium' });
const DATE_AND_TIME = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium', timeStyle: 'medium' });
const DATE = new Intl.DateTimeFormat(undefined, { dateStyle: 'medium' });
const CLOCK = new Intl.DateTimeFormat(undefined, { hour: '2-digit', minute: '2-digit' });

const SIZES = ['byte', 'kilobyte', 'megabyte', 'gigabyte', 'terabyte'].map((unit, power) => ({
  from: 1000 ** power,
  format: new Intl.NumberFormat(undefined, {
    style: 'unit',
    unit,
    unitDisplay: power === 0 ? 'long' : 'short',
    maximumSignificantDigits: 3,
  }),
}));

const SPANS = (
  [
    ['day', 86_400],
    ['hour', 3600],
    ['minute', 60],
    ['second', 1],
  ] as const
).map(([unit, seconds]) => ({
  seconds,
  format: new Intl.NumberFormat(undefined, { style: 'unit', unit, unitDisplay: 'narrow' }),
}));

export function formatNumber(value: number): string {
  return NUMBER.format(value);
}

/** A share in percent. */
export function formatPercent(percent: number): string {
  return PERCENT.format(percent / 100);
}

export function formatBytes(bytes: number): string {
  const size = SIZES.findLast(({ from }) => Math.abs(bytes) >= from) ?? SIZES[0]!;
  return size.format.format(bytes / size.from);
}

/** The two largest units: `1h 5m`. */
export function formatDuration(seconds: number): string {
  let rest = Math.max(0, Math.round(seconds));
  const first = SPANS.findIndex((span) => rest >= span.seconds);
  if (first === -1) return SPANS.at(-1)!.format.format(0);
  const parts = SPANS.slice(first, first + 2).map((span) => {
    const count = Math.floor(rest / span.seconds);
    rest -= count * span.seconds;
    return { count, text: span.format.format(count) };
  });
  return parts
    .filter(({ count }) => count > 0)
    .map(({ text }) => text)
    .join(' ');
}

/** Shorter than a second, too. */
export function formatMilliseconds(ms: number): string {
  return ms < 1000 ? `${NUMBER.format(Math.round(ms))} ms` : formatDuration(ms / 1000);
}

/** In the time zone of the browser; without the date if it is today's. */
export function formatTime(instant: number, now: number): string {
  const at = new Date(instant);
  return at.toDateString() === new Date(now).toDateString() ? TIME.format(at) : DATE_AND_TIME.format(at);
}

export function formatDate(instant: number): string {
  return DATE.format(instant);
}

export function formatClock(instant: number): string {
  return CLOCK.format(instant);
}

export function formatUtc(instant: number): string {
  return `${new Date(instant).toISOString().replace('T', ' ').replace('.000Z', 'Z').replace('Z', '')} UTC`;
}

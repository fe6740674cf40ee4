const WRITTEN =
  /^(?<year>\d{4})-(?<month>\d\d)-(?<day>\d\d)(?:T\d\d:\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d))?$/;

/** The rule of instants, for messages that name what must follow it. */
export const INSTANT_RULE = 'must be an instant, such as 2026-11-29T17:30:00Z, or a day in UTC: 2026-11-29';

/** Epoch milliseconds of an ISO 8601 instant with a zone, or of the beginning of a day in UTC; `null` for anything else. */
export function instantOf(text: unknown): number | null {
  if (typeof text !== 'string') return null;
  const { year, month, day } = WRITTEN.exec(text)?.groups ?? {};
  const at = Date.parse(text);
  if (year === undefined || Number.isNaN(at)) return null;
  // `Date.parse` takes February 30 for March 2.
  const date = new Date(Date.UTC(Number(year), Number(month) - 1, Number(day)));
  return date.getUTCDate() === Number(day) ? at : null;
}

/** Later than any instant of a store; still a date. */
export const LAST_INSTANT = 8_640_000_000_000_000;

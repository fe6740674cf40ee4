const SOME_ID = '00000000-0000-4000-8000-000000000000';

/** Whatever is not what a compiler would let pass. */
export const NO_VALUES: readonly unknown[] = [
  undefined,
  null,
  0,
  -1,
  1.5,
  Number.NaN,
  Infinity,
  2 ** 53,
  1n,
  true,
  '',
  ' ',
  '..',
  '/etc/passwd',
  'a\0b',
  '\ud800',
  SOME_ID.toUpperCase(),
  'x'.repeat(1e5),
  [],
  {},
  [SOME_ID],
  { id: null },
  { id: 7 },
  { id: '../..' },
  { id: [] },
  { length: 1 },
  Symbol('x'),
  () => 1,
  new Date(0),
  Buffer.from('/tmp/x'),
  Object.create(null),
  new Map(),
  {
    toString: null,
    valueOf: null,
  },
];

/** How one of them is told of. */
export function shown(value: unknown): string {
  return typeof value === 'string'
    ? JSON.stringify(value.slice(0, 40))
    : typeof value === 'object' && value !== null
      ? Object.prototype.toString.call(value)
      : String(value);
}

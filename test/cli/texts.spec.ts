import { shortSpan } from '#sessions/cli/output/format';
import { shortIds } from '#sessions/cli/output/short-ids';
import { fittedColumns } from '#sessions/cli/output/table';
import { Terminal } from '#sessions/cli/output/terminal';

const MINUTE = 60_000;
const HOUR = 60 * MINUTE;

describe('a short span', () => {
  it.each([
    [-5, '0s'],
    [59_999, '59s'],
    [9 * MINUTE + 59_000, '9m59s'],
    [10 * MINUTE, '10m'],
    [59 * MINUTE, '59m'],
    [HOUR + 5 * MINUTE, '1h5m'],
    [10 * HOUR + 5 * MINUTE, '10h'],
    [47 * HOUR, '47h'],
    [48 * HOUR, '2d'],
  ])('%i ms is %s', (ms, text) => {
    expect(shortSpan(ms)).toBe(text);
  });
});

describe('short ids', () => {
  it('have eight characters, or as many more as tell them apart', () => {
    expect(shortIds(['0e8fb3bb-5a3c', '1e8fb3bb-5a3c'])).toEqual(['0e8fb3bb', '1e8fb3bb']);
    expect(shortIds(['0e8fb3bb-5a3c', '0e8fb3bb-5b3c'])).toEqual(['0e8fb3bb-5a', '0e8fb3bb-5b']);
    expect(shortIds(['0e8fb3bb-5a3c', '0e8fb3bb-5a3c'])).toEqual(['0e8fb3bb', '0e8fb3bb']);
    expect(shortIds([])).toEqual([]);
  });
});

describe('a fitted table', () => {
  it('cuts the longest texts of the columns that may be cut, and no others', () => {
    const rows = [['id', 'x'.repeat(70), 'y'.repeat(20), 'z'.repeat(30)]];
    const table = fittedColumns(new Terminal(), ['A', 'B', 'C', 'D'], rows, [1, 2]);
    const [, line = ''] = table.split('\n');
    expect(line).toHaveLength(80);
    expect(line).toMatch(/^id {2}x+… {2}y{20} {2}z{30}$/);
  });
});

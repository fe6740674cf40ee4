import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { DEFAULTS, ENVIRONMENT, ERROR_CODES, SessionsError } from 'nest-sessions';
import { answerTo } from '#sessions/http/error-status';

const readme = readFileSync(resolve(__dirname, '../../README.md'), 'utf8');
const options = [...readme.matchAll(/^\| `(\w+)` \| `([A-Z_]+)` \| (`[^`]*`|none) \|/gm)].map(
  ([, option, environment, value]) => ({ option, environment, value: value?.replaceAll('`', '') }),
);

describe('The manual', () => {
  it('lists every option, with its variable and its default', () => {
    const expected = Object.entries(DEFAULTS).map(([option, value]) => ({
      option,
      environment: ENVIRONMENT[option as keyof typeof ENVIRONMENT],
      value: value === null || (Array.isArray(value) && value.length === 0) ? 'none' : String(value),
    }));
    const byName = (a: { option?: string }, b: { option?: string }): number =>
      (a.option ?? '').localeCompare(b.option ?? '');
    expect(options.toSorted(byName)).toEqual(expected.toSorted(byName));
  });

  it('tells the status of every error that a request can meet', () => {
    const rows = [...readme.matchAll(/((?:`[A-Z_]+`(?:, )?)+) \| (\d{3})/g)];
    const told = new Map(
      rows.flatMap(([, codes = '', status]) =>
        codes.split(', ').map((code) => [code.replaceAll('`', ''), Number(status)]),
      ),
    );
    const met = ERROR_CODES.map(
      (code) => [code, answerTo(new SessionsError(code, '')).status] as const,
    ).filter(([, status]) => status !== 500);
    expect(met.map(([code]) => [code, told.get(code)])).toEqual(met);
  });
});

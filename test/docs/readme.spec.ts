import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { ERROR_CODES, SessionsError } from 'nest-sessions';
import { answerTo } from '#sessions/http/error-status';
import { documentedOptions, optionsOfCode } from './option-rows.js';

const readme = readFileSync(resolve(__dirname, '../../README.md'), 'utf8');

describe('The manual', () => {
  it('lists every option, with its variable and its default', () => {
    expect(documentedOptions(readme)).toEqual(optionsOfCode());
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

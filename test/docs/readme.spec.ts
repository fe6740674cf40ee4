import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ERROR_CODES, SessionsError } from 'nest-sessions';
import { answerTo } from '#sessions/http/error-status';
import { documentedOptions, optionsOfCode } from './option-rows.js';
import { readPage, readPages, ROOT } from './pages.js';

const readme = readPage('README.md').text;
const MOST_LINES = 300;

describe('The README', () => {
  it('is read in one go', () => {
    expect(readme.trimEnd().split('\n').length).toBeLessThanOrEqual(MOST_LINES);
  });

  it('leads to every page of docs/', () => {
    const docs = readPages().filter(({ path }) => path.startsWith('docs/'));
    expect(docs.filter(({ path }) => !readme.includes(`](${path})`))).toEqual([]);
  });

  it('lists options of the first day with their variables and defaults', () => {
    const listed = documentedOptions(readme);
    expect(listed.length).toBeGreaterThanOrEqual(8);
    const names = new Set(listed.map(({ option }) => option));
    expect(listed).toEqual(optionsOfCode().filter(({ option }) => names.has(option)));
  });

  it('lists every option of an upload', () => {
    const declared = readFileSync(
      join(ROOT, 'libs/sessions/dist/http/upload/files/upload-options.d.ts'),
      'utf8',
    );
    const [options = ''] = /interface UploadOptions \{[^}]*\}/.exec(declared) ?? [];
    const names = [...options.matchAll(/readonly (\w+)\?:/g)].map(([, name]) => name);
    const [, section = ''] = readme.split('## Uploads and streams');
    const rows = section.split('\n## ')[0]?.match(/^\| `\w+` \|/gm) ?? [];
    expect(names.length).toBeGreaterThan(5);
    expect(rows).toEqual(names.map((name) => `| \`${name}\` |`));
  });
});

describe('docs/operations.md', () => {
  it('tells the status of every error that a request can meet', () => {
    const rows = [...readPage('docs/operations.md').text.matchAll(/((?:`[A-Z_]+`(?:, )?)+) \| (\d{3})/g)];
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

import { readdirSync, readFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const ROOT = resolve(__dirname, '../..');
const SEARCHED = ['README.md', 'CHANGELOG.md', 'docs', 'libs/sessions/src'];

/** Phrases that had to be decoded: verbs that mean everything, pronouns instead of nouns, metaphors instead of terms. */
const RETIRED = [
  'has to be told',
  'has lost its own row',
  'holds no more than it reserved',
  'a session and its token name the same bucket',
  'what discarding a session answered',
  'the server could not do this',
  'this session began with another client',
  'how old a file of no session must be',
  'only with --force',
  'goes without a session id',
  'takes --force',
  'no terminal to ask on',
  'that nobody deletes there',
  'nobody cleans up',
  'as the server has it',
  'looked for only by the clock',
  'waits for a cleanup:',
  'alone it chooses',
  'beside another store the boot is refused',
  'takes nothing of a download',
  'though it waits, is cut off',
  'looking is no activity',
  'whoever made one makes it again',
  'where they meet they part',
  'in IPv6 clothes',
  'what is told should hold',
  'a store that takes nothing just now',
  'no position of ours',
  'looks at its watch',
  'come for nothing',
  'whoever follows the feed',
  'lets everything go',
  'unless told',
  'a line for who looks',
];

function filesUnder(path: string): string[] {
  if (/\.\w+$/.test(path)) return [path];
  return readdirSync(path, { recursive: true, encoding: 'utf8' })
    .filter((name) => /\.(?:md|ts)$/.test(name))
    .map((name) => join(path, name));
}

/** Prose as one line: without the stars and slashes of comments, and with strings that are joined by + in one piece. */
function oneLineOf(text: string): string {
  return text
    .replaceAll(/^\s*(?:\/\*\*|\*\/|\*|\/\/)/gm, ' ')
    .replaceAll(/['"`]\s*\+\s*['"`]/g, '')
    .replaceAll(/\s+/g, ' ')
    .toLowerCase();
}

function retiredIn(text: string): string[] {
  const prose = oneLineOf(text);
  return RETIRED.filter((phrase) => prose.includes(phrase.toLowerCase()));
}

describe('The language of documentation and library', () => {
  const files = SEARCHED.flatMap((path) => filesUnder(join(ROOT, path)));

  it('has no retired phrase', () => {
    expect(files.length).toBeGreaterThan(200);
    const hits = files.flatMap((file) =>
      retiredIn(readFileSync(file, 'utf8')).map((phrase) => `${relative(ROOT, file)}: ${phrase}`),
    );
    expect(hits).toEqual([]);
  });

  it.each([
    ['a comment', '/**\n   * Frees it, or\n   * lets everything\n   * go. */'],
    ['a line comment', '// lets everything\n    // go'],
    ['a string in parts', "'Lets every' +\n  'thing go.'"],
    ['Markdown', 'It lets\neverything go.'],
  ])('is searched across the line breaks of %s', (_where, text) => {
    expect(retiredIn(text)).toEqual(['lets everything go']);
  });
});

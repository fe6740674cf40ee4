import { readFileSync } from 'node:fs';
import { resolve } from 'node:path';
import { presets, resolveConfig } from 'nest-sessions';
import { OPTIONS } from '#sessions/core/config/options';
import { documentedOptions, optionsOfCode } from './option-rows.js';

const ROOT = resolve(__dirname, '../..');
const page = readFileSync(resolve(ROOT, 'docs/options.md'), 'utf8');
const declared = readFileSync(resolve(ROOT, 'libs/sessions/dist/core/config/settings.d.ts'), 'utf8');

const VALUES = /^\| `(\w+)` \| `[A-Z_]+` \| (?:`[^`]*`|none) \| ([^|]+) \|/gm;
const NUMBERS = /^(\d+)(?: to (\d+)| (?:bytes? )?or more)/;

/** What a fault says of the values that the page names; `null` of kinds that it describes in words of its own. */
function ruleOf(values: string): string | null {
  const [, from, to = Number.MAX_SAFE_INTEGER] = NUMBERS.exec(values) ?? [];
  // `1 to 64 characters` is no range of numbers.
  if (from !== undefined && !values.includes('characters'))
    return `must be a whole number from ${from} to ${to}`;
  if (values === '`true`, `false`') return 'must be true or false';
  return /^`\w+`(, `\w+`)+$/.test(values) ? `must be one of ${values.replaceAll('`', '')}` : null;
}

function faultOf(option: string): string {
  try {
    resolveConfig({ [option]: 'of no kind' }, {});
  } catch (error) {
    return String(error).replace(', not "of no kind"', '');
  }
  return 'no fault';
}

describe('docs/options.md', () => {
  it('lists every option, with its variable and its default, and no other', () => {
    expect(documentedOptions(page)).toEqual(optionsOfCode());
  });

  it('names every variable, and no other', () => {
    const variables = [...OPTIONS.values()].flatMap(({ environment, fileEnvironment }) =>
      fileEnvironment === undefined ? [environment] : [environment, fileEnvironment],
    );
    const named = new Set(page.match(/`(?:MAX_|SESSION_|ADMIN_|METRICS_)[A-Z_]+`/g));
    expect([...named].toSorted()).toEqual(variables.map((name) => `\`${name}\``).toSorted());
  });

  it('tells the values that are taken: the numbers from and to, and the words', () => {
    const rules = [...page.matchAll(VALUES)]
      .map(([, option = '', values = '']) => ({ option, rule: ruleOf(values) }))
      .filter(({ rule }) => rule !== null);
    expect(rules.length).toBeGreaterThan(20);
    const told = rules.map(({ option, rule }) => ({
      option,
      rule: faultOf(option).split(`): `)[1],
      expected: rule,
    }));
    expect(told.filter(({ rule, expected }) => rule !== expected)).toEqual([]);
  });

  it('has the presets', () => {
    const rows = Object.entries(presets).map(
      ([name, limits]) => `| \`${name}\` | ${Object.values(limits).join(' | ')} |`,
    );
    expect(rows.filter((row) => !page.includes(row))).toEqual([]);
  });
});

describe('the docstrings that an editor shows', () => {
  it('tell the default of every option', () => {
    const docs = [...declared.matchAll(/\/\*\*((?:(?!\*\/)[^])*)\*\/\s+(\w+): /g)];
    const told = docs.map(([, text = '', option = '']) => ({
      option,
      value: /Default: (`[^`]*`|\w+)/.exec(text)?.[1]?.replaceAll('`', ''),
    }));
    const expected = optionsOfCode().map(({ option, value }) => ({ option, value }));
    expect(told.toSorted((a, b) => a.option.localeCompare(b.option))).toEqual(expected);
  });
});

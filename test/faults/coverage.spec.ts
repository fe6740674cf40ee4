import { existsSync, readFileSync } from 'node:fs';
import { join, resolve } from 'node:path';

const ROOT = resolve(import.meta.dirname, '../..');
const ROW = /^\| ([A-Z]\d+) +\| (.+?) +\| (.+?) +\|$/;
const TEST = /^`((?:test|libs)\/[\w./-]+\.ts)`: (.+)$/;
const CAMPAIGN = /^campaign `([a-z-]+)`$/;
const REASON = /^(?:not applicable|the application’s duty|later part): .{30,}$/;

interface Row {
  readonly id: string;
  readonly threat: string;
  readonly shownBy: readonly string[];
}

const rows = readFileSync(join(import.meta.dirname, 'README.md'), 'utf8')
  .split('\n')
  .flatMap((line): Row[] => {
    const [, id = '', threat = '', cover = ''] = ROW.exec(line) ?? [];
    return id === '' ? [] : [{ id, threat, shownBy: cover.split('<br>') }];
  });

function numbered(letter: string, last: number): string[] {
  return Array.from({ length: last }, (_, index) => `${letter}${index + 1}`);
}

/** Whether the file has a test, a group of tests or a promise of a contract with exactly this title. */
function hasTitle(path: string, title: string): boolean {
  const file = join(ROOT, path);
  if (!existsSync(file)) return false;
  const text = readFileSync(file, 'utf8');
  return ["'", '"', '`'].some((quote) =>
    [`(${quote}`, `(\n    ${quote}`, `(\n      ${quote}`, `name: ${quote}`].some((before) =>
      text.includes(`${before}${title}${quote},`),
    ),
  );
}

describe('The table of threats and faults', () => {
  it('has every one of them, once and in order', () => {
    const counts = ['T', 'F', 'P', 'I'].map(
      (letter) => rows.filter(({ id }) => id.startsWith(letter)).length,
    );
    const [threats = 0, faults = 0, bugs = 0, logins = 0] = counts;
    const all = [
      ...numbered('T', threats),
      ...numbered('F', faults),
      ...numbered('P', bugs),
      ...numbered('I', logins),
    ];
    expect(rows.map(({ id }) => id)).toEqual(all);
    expect([threats >= 54, faults >= 40, bugs >= 22, logins >= 6]).toEqual([true, true, true, true]);
  });

  it.each(rows.map(({ id, threat, shownBy }) => [id, threat, shownBy] as const))(
    '%s: what is named for "%s" exists',
    (_id, threat, shownBy) => {
      expect(threat.length).toBeGreaterThan(10);
      for (const item of shownBy) {
        const [, path = '', title = ''] = TEST.exec(item) ?? [];
        const campaign = CAMPAIGN.exec(item)?.[1];
        const exists =
          campaign === undefined
            ? REASON.test(item) || hasTitle(path, title)
            : existsSync(join(ROOT, 'test/torture', campaign, `${campaign}.campaign.ts`));
        expect({ item, exists }).toEqual({ item, exists: true });
      }
    },
  );

  it('sees through a test, a campaign and a file that are not there', () => {
    const self = 'test/faults/coverage.spec.ts';
    expect(hasTitle(self, 'has every one of them, once and in order')).toBe(true);
    expect(hasTitle(self, 'has every one of them')).toBe(false);
    expect(hasTitle('test/faults/nothing.spec.ts', 'has every one of them, once and in order')).toBe(false);
  });
});

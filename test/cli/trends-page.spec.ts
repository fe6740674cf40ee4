import { trendsCsv, trendsPage } from '#sessions/cli/output/trends-page';
import type { Terminal } from '#sessions/cli/output/terminal';
import { trendsView, type TrendsView } from '#sessions/operate/trends/trends-view';
import { TREND_SPANS, type TrendCounts, type TrendSpan } from '#sessions/domain/trends/trend';

const terminal = { bold: (text: string) => text } as Terminal;
const FROM = Date.parse('2026-11-29T12:00:00.000Z');

function viewOf(all: readonly TrendCounts[], span: TrendSpan = 'minute'): TrendsView {
  const { ms } = TREND_SPANS[span];
  const points = all.map((counts, index) => ({ at: FROM + index * ms, counts }));
  return trendsView({ span, from: FROM, to: FROM + all.length * ms, points });
}

/** The cells of the row with this label, and its course. */
function rowOf(page: string, label: string): { course: string | undefined; numbers: string[] } {
  const line = page.split('\n').find((one) => one.startsWith(`${label}  `)) ?? '';
  const [course, ...numbers] = line.slice(label.length).trim().split(/ {2,}/);
  return { course, numbers };
}

describe('The page of trends', () => {
  it('has a row for each figure, with its course, minimum, maximum and total', () => {
    const page = trendsPage(
      terminal,
      viewOf([
        { opened: 1, 'bytes:image': 1500, peak_open: 3, 'duration:100': 1 },
        { opened: 4, 'ended:idle': 2, 'ended:admin': 1, peak_open: 9 },
        {},
        { opened: 8, 'ended:idle': 1, peak_open: 1 },
      ]),
    );
    const [range, head] = page.split('\n');
    expect(range).toBe('By minute from 2026-11-29T12:00:00.000Z to 2026-11-29T12:04:00.000Z');
    expect(head).toMatch(/^ +TREND +MIN +MAX +TOTAL$/);
    expect(rowOf(page, 'opened')).toEqual({ course: '▂▅▁█', numbers: ['0', '8', '13'] });
    expect(rowOf(page, 'ended')).toEqual({ course: '▁█▁▄', numbers: ['0', '3', '4'] });
    expect(rowOf(page, '  idle')).toEqual({ course: '▁█▁▅', numbers: ['0', '2', '3'] });
    expect(rowOf(page, '  image')).toEqual({ course: '█▁▁▁', numbers: ['0 B', '1.5 kB', '1.5 kB'] });
    expect(rowOf(page, 'peak open')).toEqual({ course: '▄█▁▂', numbers: ['0', '9', '-'] });
    expect(rowOf(page, 'duration p50')).toEqual({ course: '█', numbers: ['13 s', '13 s', '13 s'] });
    expect(rowOf(page, 'logins')).toEqual({ course: '▁▁▁▁', numbers: ['0', '0', '0'] });
  });

  it('has 80 columns, however many points there are and however large they are', () => {
    const large: TrendCounts = {
      opened: 123_456_789,
      'files:a_type_of_32_characters_is_so_long': 123_456_789,
      'bytes:audio_file': 123_456_789_000,
      'duration:200': 1,
      'duration:100': 100,
    };
    for (const count of [1, 24, 60, 2880]) {
      const page = trendsPage(terminal, viewOf(Array.from({ length: count }, () => large)));
      expect(Math.max(...page.split('\n').map((line) => line.length))).toBeLessThanOrEqual(80);
      expect(rowOf(page, 'opened').course).toMatch(/^█+$/);
    }
  });

  it('draws of several points in one column the largest', () => {
    const points = Array.from({ length: 60 }, (_, index) => ({ opened: index === 58 ? 7 : index % 2 }));
    const { course, numbers } = rowOf(trendsPage(terminal, viewOf(points)), 'opened');
    expect(course).toBe(`${'▂'.repeat(29)}█`);
    expect(numbers).toEqual(['0', '7', '37']);
  });

  it('says that there is nothing of a range without points', () => {
    expect(rowOf(trendsPage(terminal, viewOf([])), 'opened').numbers).not.toContain('Infinity');
  });
});

describe('The CSV of trends', () => {
  it('has a line for each point under a head that does not depend on the counts', () => {
    const csv = trendsCsv(
      viewOf(
        [{ opened: 2, 'ended:idle': 1, 'bytes:image': 7, 'refused_file:disk': 3, 'duration:100': 1 }, {}],
        'hour',
      ),
      ['audio_file', 'stream', 'image'],
    );
    const [head = '', first = '', second = '', ...rest] = csv.split('\n');
    expect(rest).toEqual(['']);
    const names = head.split(',');
    expect(names.slice(0, 5)).toEqual(['start', 'opened', 'logins', 'ended_idle', 'ended_expired']);
    expect(names).toEqual([...new Set(names)]);
    expect(names).toEqual(
      expect.arrayContaining(['files_audio_file', 'bytes_image', 'refused_several_cookies']),
    );
    expect(names).not.toContain('files_stream');
    const line = Object.fromEntries(first.split(',').map((cell, index) => [names[index], cell]));
    expect(line).toMatchObject({
      start: '2026-11-29T12:00:00.000Z',
      opened: '2',
      ended_idle: '1',
      ended_admin: '0',
      bytes_image: '7',
      refused_files_disk: '3',
      durations_p50_ms: '13139',
    });
    expect(second).toMatch(/^2026-11-29T13:00:00\.000Z,0,0,[0,]*,,,$/);
    expect(second.split(',')).toHaveLength(names.length);
    expect(trendsCsv(viewOf([]), ['audio_file', 'image'])).toBe(`${head}\n`);
  });

  it('has also the types that only an earlier configuration had', () => {
    const csv = trendsCsv(viewOf([{ 'files:old': 1, 'bytes:old': 5 }]), ['file']);
    expect(csv.split('\n')[0]).toContain('files_file,files_old,bytes_file,bytes_old');
  });
});

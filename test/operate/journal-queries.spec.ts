import { instantOf } from '#sessions/operate/lists/instant';
import { readAuditQuery } from '#sessions/operate/journal/audit.query';
import { readTimelineQuery } from '#sessions/operate/journal/timeline.query';
import { auditCursor, timelineCursor } from '#sessions/operate/lists/page-cursor';

const ID = '0e8fb3bb-5a3c-4be5-9f8a-1d1a3f7f6a11';
const NAMES = { limit: '--limit', cursor: '--cursor', from: '--from', to: '--to' };

describe('An instant from outside', () => {
  it.each([
    ['2026-11-29T17:30:00Z', Date.UTC(2026, 10, 29, 17, 30)],
    ['2026-11-29T17:30Z', Date.UTC(2026, 10, 29, 17, 30)],
    ['2026-11-29T17:30:00.123Z', Date.UTC(2026, 10, 29, 17, 30, 0, 123)],
    ['2026-11-29T17:30:00+02:00', Date.UTC(2026, 10, 29, 15, 30)],
    ['2026-11-29', Date.UTC(2026, 10, 29)],
    ['2024-02-29', Date.UTC(2024, 1, 29)],
    ['1970-01-01T00:00:00Z', 0],
  ])('%s is one', (text, at) => expect(instantOf(text)).toBe(at));

  it.each([
    '',
    ' ',
    'now',
    '0',
    '1764437400000',
    '29.11.2026',
    '2026-11-29T17:30:00',
    '2026-11-29 17:30:00Z',
    '2026-11-29T17:30:00 02:00',
    '2026-11-29T17:30:00Z ',
    '2026-11-29T17:30:00z',
    '2026-13-01',
    '2026-02-30',
    '2025-02-29',
    '2026-00-10',
    '2026-11-29T25:00:00Z',
    '2026-11-29T17:60:00Z',
    '-000001-01-01T00:00:00Z',
    '+275760-09-13T00:00:00.000Z',
    '2026-11-29T17:30:00Z\n',
    '٢٠٢٦-11-29',
    null,
    undefined,
    0,
    ['2026-11-29'],
    { toString: () => '2026-11-29' },
  ])('%j is none', (text) => expect(instantOf(text)).toBeNull());
});

describe('A query of the audit', () => {
  it('is by default a full page of all, from the latest on', () => {
    const to = 8_640_000_000_000_000;
    expect(readAuditQuery({})).toEqual({ kind: 'valid', query: { from: 0, to, limit: 1000 } });
    expect(new Date(to).getTime()).toBe(to);
  });

  it('has a range, a limit and the position of its cursor', () => {
    const given = { from: '2026-11-29', to: '2026-11-30', limit: '7', cursor: auditCursor('17-0') };
    const range = { from: Date.UTC(2026, 10, 29), to: Date.UTC(2026, 10, 30) };
    expect(readAuditQuery(given)).toEqual({ kind: 'valid', query: { ...range, limit: 7, after: '17-0' } });
  });

  it('may be of one instant, and never begins before 1970', () => {
    const given = { from: '1969-12-31', to: '1969-12-31' };
    expect(readAuditQuery(given)).toMatchObject({ kind: 'valid', query: { from: 0, to: 0 } });
  });

  it('names what is wrong by the names of its face', () => {
    const given = { from: 'yesterday', to: 'now', limit: '0' };
    const rule = 'must be an instant, such as 2026-11-29T17:30:00Z, or a day in UTC: 2026-11-29';
    expect(readAuditQuery(given, NAMES)).toEqual({
      kind: 'invalid',
      faults: ['--limit must be a whole number from 1 to 1000', `--from ${rule}`, `--to ${rule}`],
    });
    expect(readAuditQuery({ from: '2026-11-30', to: '2026-11-29' }, NAMES)).toEqual({
      kind: 'invalid',
      faults: ['--from must not be after --to'],
    });
    expect(readAuditQuery({ since: '2026-11-30' })).toEqual({
      kind: 'invalid',
      faults: ['unknown parameter: use limit, cursor, from, to'],
    });
  });
});

describe('A cursor', () => {
  const position = '1764437400000-12';

  it('of a timeline leads on in the same timeline', () => {
    const cursor = timelineCursor({ sessionId: ID, position });
    expect(cursor).toMatch(/^[\w-]+$/);
    expect(readTimelineQuery({ cursor })).toEqual({
      kind: 'valid',
      query: { limit: 1000, after: { sessionId: ID, position } },
    });
  });

  const foreign: Record<string, string> = {
    'of the audit': auditCursor(position),
    'of another form': Buffer.from(JSON.stringify(['timeline', ID])).toString('base64url'),
    'of no session': timelineCursor({ sessionId: 'users', position }),
    'with an empty position': timelineCursor({ sessionId: ID, position: '' }),
    'with a position beyond ASCII': timelineCursor({ sessionId: ID, position: 'é' }),
    'with a space in its position': timelineCursor({ sessionId: ID, position: '1 OR 1=1' }),
    'with a long position': timelineCursor({ sessionId: ID, position: '1'.repeat(201) }),
    'with padding': `${timelineCursor({ sessionId: ID, position })}=`,
    'that is cut': timelineCursor({ sessionId: ID, position }).slice(0, -3),
    'with more parts': Buffer.from(JSON.stringify(['timeline', ID, position, 1])).toString('base64url'),
    empty: '',
  };

  it.each(Object.entries(foreign))('%s is none of a timeline', (_name, cursor) => {
    expect(readTimelineQuery({ cursor })).toEqual({
      kind: 'invalid',
      faults: ['cursor must be the next_cursor of another page'],
    });
  });

  it('of a timeline is none of the audit', () => {
    const cursor = timelineCursor({ sessionId: ID, position });
    expect(readAuditQuery({ cursor }).kind).toBe('invalid');
    expect(readAuditQuery({ cursor: auditCursor(position) }).kind).toBe('valid');
  });
});

import * as fc from 'fast-check';
import { filterTerm, readFilter } from '../../../libs/sessions/page/state/session-filter.js';

describe('The filter of the admin page', () => {
  it.each([
    ['anna', 'user:anna'],
    ['anna smith', 'user:"anna smith"'],
    ['anna" idle>"0', 'user:"anna\\" idle>\\"0"'],
    ['DOM\\anna', 'user:"DOM\\\\anna"'],
    ['"', 'user:"\\""'],
  ])('writes user %s as %s, and reads it back', (id, term) => {
    expect(filterTerm('user:', id)).toBe(term);
    expect(readFilter(term)).toEqual({ kind: 'valid', parameters: { user_id: id } });
  });

  it('means the user whom it was written for, whatever the id, also beside another term', () => {
    const ids = fc.oneof(
      fc.string({ minLength: 1, unit: 'grapheme' }),
      fc.string({ minLength: 1, unit: fc.constantFrom('"', '\\', ' ', ':', '>', 'idle>', 'a', '\u2003') }),
    );
    fc.assert(
      fc.property(ids, (id) => {
        expect(readFilter(`${filterTerm('user:', id)} idle>60`)).toEqual({
          kind: 'valid',
          parameters: { user_id: id, idle_over: '60' },
        });
      }),
      { numRuns: 2000 },
    );
  });

  it.each(['user:"anna', '"anna', 'user:"anna\\"'])('refuses %s, whose quote is not closed', (text) => {
    expect(readFilter(text)).toMatchObject({ kind: 'invalid', faults: [{ kind: 'quote' }] });
  });

  it('takes a quote within a word for itself', () => {
    expect(readFilter('user:an"na')).toEqual({ kind: 'valid', parameters: { user_id: 'an"na' } });
  });
});

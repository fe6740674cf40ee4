import fc from 'fast-check';
import { compareIds, digitsOf, idOfDigits, isUuid, NOBODY, packedIds, packIds } from '#sessions/domain/ids';

const id = fc.uuid();

describe('An id', () => {
  it('is a UUID in lower case, and nothing else', () => {
    fc.assert(fc.property(id, (one) => expect(isUuid(one)).toBe(true)));
    const one = '5e550000-0000-4000-8000-00000000000a';
    const others = [
      one.toUpperCase(),
      `${one}\n`,
      ` ${one}`,
      digitsOf(one),
      `${one}0`,
      '',
      NOBODY,
      null,
      7,
      [one],
    ];
    expect(others.filter(isUuid)).toEqual([]);
  });

  it('converts to 32 digits and back', () => {
    fc.assert(
      fc.property(id, (one) => {
        expect(digitsOf(one)).toMatch(/^[0-9a-f]{32}$/);
        expect(idOfDigits(digitsOf(one))).toBe(one);
      }),
    );
  });

  it('sorts like its text, by code units', () => {
    fc.assert(fc.property(fc.array(id), (ids) => expect(ids.toSorted(compareIds)).toEqual(ids.toSorted())));
    expect(compareIds('a', 'a')).toBe(0);
  });

  it('survives packing', () => {
    fc.assert(
      fc.property(fc.uniqueArray(id), (ids) =>
        expect([...packedIds(packIds(ids))]).toEqual(ids.map(digitsOf)),
      ),
    );
    expect(() => packedIds('0')).toThrow(RangeError);
    expect(() => packedIds(undefined)).toThrow(RangeError);
  });
});

import fc from 'fast-check';
import { fileNameOf } from '#sessions/core/resources/file-name';

const MAX = 255;
const CONTROL = /[\p{Cc}\p{Zl}\p{Zp}\u202A-\u202E\u2066-\u2069]/u;
const graphemes = (text: string): string[] =>
  [...new Intl.Segmenter('en', { granularity: 'grapheme' }).segment(text)].map(({ segment }) => segment);

/** Letters, emoji of several code points, marks, and anything else. */
const anyName = fc
  .array(
    fc.oneof(
      fc.constantFrom('a', 'あ', '😀', '👨‍👩‍👧', '🏴󠁧󠁢󠁥󠁮󠁧󠁿', '🇩🇪', 'e\u0301', '.', ' ', '\u202E', '\r\n'),
      fc.string({ unit: 'binary', maxLength: 5 }),
      fc.string({ unit: 'grapheme', maxLength: 5 }),
    ),
    { maxLength: 300 },
  )
  .map((parts) => parts.join(''));

describe('File names', () => {
  it.each([
    ['short.wav', 'short.wav'],
    [`${'n'.repeat(300)}.wav`, `${'n'.repeat(251)}.wav`],
    [`${'😀'.repeat(200)}.webm`, `${'😀'.repeat(125)}.webm`],
    [`${'👨‍👩‍👧'.repeat(60)}.mp3`, `${'👨‍👩‍👧'.repeat(31)}.mp3`],
    [`${'n'.repeat(254)}😀`, 'n'.repeat(254)],
    [`${'n'.repeat(300)}.${'x'.repeat(40)}`, 'n'.repeat(255)],
    [`.${'x'.repeat(400)}`, `.${'x'.repeat(254)}`],
    [`x${'\u0301'.repeat(400)}.wav`, `x${'\u0301'.repeat(250)}.wav`],
  ])('%.20s… keeps whole characters and its extension', (given, stored) => {
    expect(fileNameOf(given)).toBe(stored);
  });

  it.each([
    ['👨‍👩‍👧 and 🏴󠁧󠁢󠁥󠁮󠁧󠁿.wav', '👨‍👩‍👧 and 🏴󠁧󠁢󠁥󠁮󠁧󠁿.wav'],
    ['می\u200Cخواهم.wav', 'می\u200Cخواهم.wav'],
    ['a\r\nb.wav', 'a b.wav'],
    ['exe.\u202Efdp.wav', 'exe. fdp.wav'],
    ['lone \uD83D.wav', 'lone \uFFFD.wav'],
  ])('%j is stored as %j', (given, stored) => {
    expect(fileNameOf(given)).toBe(stored);
  });

  it('are well-formed, on one line and at most 255 units long, whatever was given', () => {
    fc.assert(
      fc.property(anyName, (given) => {
        const stored = fileNameOf(given);
        expect(stored.isWellFormed()).toBe(true);
        expect(stored.length).toBeLessThanOrEqual(MAX);
        expect(stored).not.toMatch(CONTROL);
      }),
      { numRuns: 500 },
    );
  });

  it('lose only the end of their stem, between two characters', () => {
    const pieces = fc.array(fc.constantFrom('a', 'あ', '😀', '👨‍👩‍👧', '🇩🇪 ', 'é'), {
      minLength: 256,
      maxLength: 300,
    });
    fc.assert(
      fc.property(pieces, fc.stringMatching(/^\.[a-z0-9]{1,8}$/), (given, extension) => {
        const stored = fileNameOf(given.join('') + extension);
        expect(stored.endsWith(extension)).toBe(true);
        const kept = graphemes(stored.slice(0, -extension.length));
        const whole = graphemes(given.join(''));
        expect(kept).toEqual(whole.slice(0, kept.length));
        // One character more would not have fitted.
        expect(stored.length + (whole[kept.length]?.length ?? 0)).toBeGreaterThan(MAX);
      }),
    );
  });
});

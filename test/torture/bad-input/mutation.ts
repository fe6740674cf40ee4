import type { Chance } from './chance.ts';

/** `text` as its UTF-8 bytes, one character each: what goes over the wire is told byte by byte. */
export function utf8(text: string): string {
  return Buffer.from(text).toString('latin1');
}

/** What has broken parsers, paths, queries and terminals before. */
export const FRAGMENTS: readonly string[] = [
  '',
  ' ',
  '\t',
  '\0',
  '\x7f',
  '\x1b[2J',
  '\xff\xfe\x80',
  '\xc0\xaf',
  '"',
  "'",
  '`',
  '\\',
  '/',
  '//',
  '.',
  '..',
  '../',
  '..%2f',
  '%2e%2e/',
  '..\\',
  '%00',
  '%',
  '%%',
  '%zz',
  '%E0%A4%A',
  '%0d%0a',
  '%2500',
  '%c0%af',
  ';',
  ',',
  '=',
  '&',
  '?',
  '#',
  '+',
  '-',
  '--',
  '*',
  '$',
  '$(id)',
  '|',
  '<script>',
  '{{7*7}}',
  '${7*7}',
  '%s%n',
  '__proto__',
  'constructor',
  'prototype',
  'toString',
  'null',
  'undefined',
  'NaN',
  'true',
  '[]',
  '{}',
  '[object Object]',
  '0',
  '-0',
  '-1',
  '1e309',
  '1e3',
  '0x10',
  '1.5',
  '99999999999999999999',
  '9007199254740993',
  '2147483648',
  '4294967296',
  "' OR 1=1 --",
  '; DROP TABLE sessions; --',
  '*)(uid=*',
  '\u00df',
  'CON',
  'NUL',
  '~',
  'file:///etc/passwd',
  ...[
    '\u202eexe.wav',
    '\u2000',
    '\u0085',
    '\u00a0',
    '\ufeff',
    '\u200b',
    '\u2028',
    '\u{1f3a7}',
    'a\u0301',
    '\u212a',
  ].map(utf8),
  '\xed\xa0\x80',
  '\xf4\x90\x80\x80',
  '\xf8\x88\x80\x80\x80',
  'A'.repeat(300),
  '%41'.repeat(200),
  '['.repeat(400),
];

/** `text` with one to three small harms done to it. */
export function mutate(text: string, chance: Chance): string {
  let mutated = text;
  for (let harms = 1 + chance.below(3); harms > 0; harms -= 1) mutated = harm(mutated, chance);
  return mutated;
}

function harm(text: string, chance: Chance): string {
  const at = chance.below(text.length + 1);
  const length = chance.below(Math.min(16, text.length - at + 1));
  const [before, span, after] = [text.slice(0, at), text.slice(at, at + length), text.slice(at + length)];
  switch (chance.below(8)) {
    case 0:
      return before + chance.pick(FRAGMENTS) + span + after;
    case 1:
      return before + chance.pick(FRAGMENTS) + after;
    case 2:
      return before + after;
    case 3:
      return before + span.repeat(2 + chance.below(20)) + after;
    case 4:
      return before + chance.byte() + after;
    case 5:
      return before + span.replaceAll(/[a-z]/gi, swapCase) + after;
    case 6:
      return before + flipBit(span || 'x', chance) + after;
    default:
      return chance.oneIn(4) ? before : before + escaped(span) + after;
  }
}

function flipBit(text: string, chance: Chance): string {
  const at = chance.below(text.length);
  const flipped = String.fromCharCode((text.charCodeAt(at) ^ (1 << chance.below(8))) & 0xff);
  return text.slice(0, at) + flipped + text.slice(at + 1);
}

function swapCase(letter: string): string {
  return letter === letter.toLowerCase() ? letter.toUpperCase() : letter.toLowerCase();
}

function escaped(text: string): string {
  return text.replaceAll(/[^]/g, (character) => `%${character.charCodeAt(0).toString(16).padStart(2, '0')}`);
}

import type { JsonFormat } from '../../operate/lists/list-json.js';

/**
 * Characters that a terminal interprets or hides: control characters (ESC, C1, DEL), direction marks, invisible,
 * unpaired and unassigned characters, line and paragraph separators, and more than four marks on one letter.
 */
const UNSAFE = /[\p{C}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]|(?<=\p{M}{4})\p{M}/gu;

/** `text` on one line, safe for a terminal: unsafe characters become `\x1b` or `\u{202e}`. */
export function escapeControl(text: string): string {
  return text.replaceAll(UNSAFE, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    return code < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`;
  });
}

/** As `escapeControl`, cut to `maxLength` characters. */
export function escapeControlStart(text: string, maxLength: number): string {
  const characters = Array.from(escapeControl(text));
  return characters.length > maxLength
    ? `${characters.slice(0, maxLength - 1).join('')}…`
    : characters.join('');
}

/** JSON with the same values; unsafe characters are escaped. */
export function toEscapedJson(value: unknown): string {
  return JSON.stringify(value, null, 2)
    .split('\n')
    .map((line) => line.replaceAll(UNSAFE, escapeUnits))
    .join('\n');
}

/** The same on one line. */
export function toEscapedJsonLine(value: unknown): string {
  return JSON.stringify(value).replaceAll(UNSAFE, escapeUnits);
}

/** As `toEscapedJson` writes it, for JSON that is written in pieces. */
export const ESCAPED_JSON: JsonFormat = {
  text: (value, depth) => toEscapedJson(value).replaceAll('\n', lineAt(depth)),
  line: lineAt,
  space: ' ',
};

function lineAt(depth: number): string {
  return `\n${'  '.repeat(depth)}`;
}

function escapeUnits(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

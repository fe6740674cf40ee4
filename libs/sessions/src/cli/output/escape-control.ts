/**
 * Whatever a terminal would obey, or not show: control characters (ESC, C1 and DEL too), direction marks, invisible,
 * unpaired and unassigned ones, line and paragraph separators, and marks piled on one letter.
 */
const UNSEEN = /[\p{C}\p{Zl}\p{Zp}\u115f\u1160\u3164\uffa0]|(?<=\p{M}{4})\p{M}/gu;

/** `text` on one line, harmless to a terminal: what cannot be shown is spelt out as `\x1b` or `\u{202e}`. */
export function escapeControl(text: string): string {
  return text.replaceAll(UNSEEN, (character) => {
    const code = character.codePointAt(0) ?? 0;
    const hex = code.toString(16);
    return code < 0x100 ? `\\x${hex.padStart(2, '0')}` : `\\u{${hex}}`;
  });
}

/** As `escapeControl`, and no longer than `most` characters. */
export function escapeControlStart(text: string, most: number): string {
  const characters = Array.from(escapeControl(text));
  return characters.length > most ? `${characters.slice(0, most - 1).join('')}…` : characters.join('');
}

/** JSON with the same values, in which everything unseen is escaped. */
export function toEscapedJson(value: unknown): string {
  return JSON.stringify(value, null, 2)
    .split('\n')
    .map((line) => line.replaceAll(UNSEEN, escapeUnits))
    .join('\n');
}

function escapeUnits(character: string): string {
  return character
    .split('')
    .map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    .join('');
}

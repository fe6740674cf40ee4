/** Characters that show nothing, or change how others are shown: controls, marks of direction, zero-width ones, surrogates. */
const INVISIBLE = /[\p{Cc}\p{Cf}\p{Co}\p{Cs}\u2028\u2029]/gu;

export interface TextPart {
  readonly text: string;
  /** Stands for a character that cannot be seen. */
  readonly isCode: boolean;
}

/** What somebody else wrote, in parts: nothing in it can hide, or turn the text around. */
export function visibleParts(text: string): TextPart[] {
  const parts: TextPart[] = [];
  let at = 0;
  for (const { 0: character, index } of text.matchAll(INVISIBLE)) {
    if (index > at) parts.push({ text: text.slice(at, index), isCode: false });
    parts.push({ text: codeOf(character), isCode: true });
    at = index + character.length;
  }
  if (at < text.length) parts.push({ text: text.slice(at), isCode: false });
  return parts;
}

function codeOf(character: string): string {
  return `U+${(character.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}`;
}

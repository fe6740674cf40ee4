import { firstCodePoints } from '../watch/log.js';

const MAX_UNITS = 255;

/** A last dot and up to 31 characters after it, behind a name. */
const EXTENSION = /(?<=[^])\.[^.\s]{1,31}$/u;

/** Control and direction characters, which could break a line or show another name; but none that joins letters or emoji. */
const CONTROL = /(\p{RGI_Emoji})|[[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]--[\u200C\u200D]]+/gv;

const graphemes = new Intl.Segmenter('en', { granularity: 'grapheme' });

/**
 * A file's name as it is stored: in normal form C, on one line, at most 255 UTF-16 units. A longer one loses the end of
 * its stem, between two characters as readers see them, and keeps its extension.
 */
export function fileNameOf(given: string): string {
  const name = given
    .toWellFormed()
    .normalize('NFC')
    .replaceAll(CONTROL, (_match, emoji?: string) => emoji ?? ' ');
  if (name.length <= MAX_UNITS) return name;
  const extension = EXTENSION.exec(name)?.[0] ?? '';
  return (
    firstGraphemes(name.slice(0, name.length - extension.length), MAX_UNITS - extension.length) + extension
  );
}

/** The graphemes of `text` that fit within `maxUnits`; of a single one that does not, its code points. */
function firstGraphemes(text: string, maxUnits: number): string {
  // Two units more, since the character at the cut may be a pair.
  const end = graphemes.segment(text.slice(0, maxUnits + 2)).containing(maxUnits)?.index ?? text.length;
  return end > 0 ? text.slice(0, end) : firstCodePoints(text, maxUnits);
}

/** The supported languages; each code is also the name of an espeak-ng voice. */
// prettier-ignore
export const LANGUAGES = [
  'ar', 'cs', 'da', 'de', 'el', 'en', 'es', 'fi', 'fr', 'hi', 'hu', 'id', 'it', 'nb', 'nl', 'pl', 'pt', 'ro', 'ru', 'sk',
  'sv', 'tr', 'uk', 'vi',
] as const;

export type Language = (typeof LANGUAGES)[number];

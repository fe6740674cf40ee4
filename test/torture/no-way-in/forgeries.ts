import { hashOf } from '../bad-input/secrets.ts';

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_';
const BITS_OF_A_LETTER = 6;
const BITS_OF_A_BYTE = 8;
/** The two characters before the random ones. */
const BUCKET = 2;

/** Texts that are nearly this token, or belong to it, and none of which is it. */
export function forgeriesOf(token: string, publicId: string): string[] {
  const forgeries = new Set([
    ...flippedLetters(token),
    ...flippedBytes(token),
    ...respelt(token),
    ...kin(token, publicId),
  ]);
  forgeries.delete(token);
  return [...forgeries];
}

/** Each bit that a letter of base64url stands for, those included that a decoder would drop: all of them well-formed. */
function flippedLetters(token: string): string[] {
  return Array.from(token).flatMap((letter, at) =>
    Array.from({ length: BITS_OF_A_LETTER }, (_, bit) =>
      replaced(token, at, ALPHABET.charAt(ALPHABET.indexOf(letter) ^ (1 << bit))),
    ),
  );
}

/** Each bit of the text as it is sent. */
function flippedBytes(token: string): string[] {
  return Array.from(token).flatMap((letter, at) =>
    Array.from({ length: BITS_OF_A_BYTE }, (_, bit) =>
      replaced(token, at, String.fromCharCode(letter.charCodeAt(0) ^ (1 << bit))),
    ),
  );
}

/** The same bits for a lax decoder. */
function respelt(token: string): string[] {
  const random = token.slice(BUCKET);
  const last = ALPHABET.indexOf(token.slice(-1));
  return [
    replaced(token, token.length - 1, ALPHABET.charAt(last ^ 3)),
    `${token}=`,
    `${token}==`,
    `${token}.`,
    `${token}A`,
    `A${token}`,
    token + token,
    token.slice(0, -1),
    token.slice(1),
    random,
    `AA${random}`,
    token.replaceAll('-', '+').replaceAll('_', '/'),
    `${token.slice(0, 20)} ${token.slice(20)}`,
    `${token.slice(0, 20)}\t${token.slice(20)}`,
    token.toUpperCase(),
    token.toLowerCase(),
    Array.from(token).toReversed().join(''),
    encodeURIComponent(`${token}=`),
    `%${token.charCodeAt(0).toString(16)}${token.slice(1)}`,
    token.slice(0, BUCKET) + Buffer.from(random, 'base64url').toString('hex'),
    token.slice(0, BUCKET) + Buffer.from(random, 'base64url').toString('base64'),
    Buffer.from(token).toString('base64url'),
    `s:${token}.sig`,
    `j:"${token}"`,
  ];
}

/** What stores, operators and logs know of its session. */
function kin(token: string, publicId: string): string[] {
  const hash = hashOf(token);
  return [
    hash,
    token.slice(0, BUCKET) + hash,
    `AA${hash}`,
    Buffer.from(hash, 'base64url').toString('hex'),
    publicId,
    publicId.replaceAll('-', ''),
    Buffer.from(publicId.replaceAll('-', ''), 'hex').toString('base64url'),
    token.slice(0, BUCKET),
    token.slice(0, BUCKET) + 'A'.repeat(43),
  ];
}

function replaced(text: string, at: number, letter: string): string {
  return text.slice(0, at) + letter + text.slice(at + 1);
}

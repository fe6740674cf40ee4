import { hashOf } from '../bad-input/secrets.ts';

/** What is taken of a place to plant a secret in: a search of all of it, once for each spelling, would take minutes. */
const AROUND = 2048;

/** Where something may show: a name for who reads of it, and all its bytes. */
export interface Place {
  readonly name: string;
  readonly bytes: Buffer;
  /** Stores know tokens by their hashes; nobody else may. */
  readonly isStore?: boolean;
}

/** Secrets that are looked for in every spelling that a log, a database or an answer may give them. */
export class Canaries {
  readonly #secrets: readonly string[];
  readonly #needles: readonly Buffer[];
  readonly #hashNeedles: readonly Buffer[];

  /** `tokens`: those of sessions. `others`: passwords and the like. */
  constructor(tokens: readonly string[], others: readonly string[]) {
    this.#secrets = [...tokens, ...others];
    this.#needles = this.#secrets.flatMap((secret) => spellingsOf(secret));
    this.#hashNeedles = tokens.flatMap((token) => storedFormsOf(token));
  }

  get count(): number {
    return this.#secrets.length;
  }

  /** The first secret in the place, as it stands there. */
  findIn({ bytes, isStore = false }: Place): string | null {
    const found = this.#needles.find((needle) => bytes.includes(needle));
    const hash = isStore ? undefined : this.#hashNeedles.find((needle) => bytes.includes(needle));
    return (found ?? hash)?.toString('latin1') ?? null;
  }

  /** Whether each spelling of one secret would be found, were it in that place. `at`: from 0, below 1. */
  wouldFindIn(place: Place, at: number): boolean {
    const secret = this.#secrets[Math.floor(at * this.#secrets.length)] ?? '';
    const middle = Math.floor(at * place.bytes.length);
    const [before, after] = [
      place.bytes.subarray(Math.max(0, middle - AROUND), middle),
      place.bytes.subarray(middle, middle + AROUND),
    ];
    return spellingsOf(secret).every((needle) => {
      const bytes = Buffer.concat([before, needle, after]);
      return this.findIn({ ...place, bytes }) !== null;
    });
  }
}

/** What a store may keep of a token: its hash, as text or as bytes, with or without the two characters before it. */
export function storedFormsOf(token: string): Buffer[] {
  const hash = Buffer.from(hashOf(token), 'base64url');
  const packed = Buffer.from(token.slice(0, 2) + hashOf(token), 'base64url');
  return [hash, packed, ...[hashOf(token), hash.toString('hex')].map((text) => Buffer.from(text))];
}

function spellingsOf(secret: string): Buffer[] {
  const plain = Buffer.from(secret);
  // What base64url stands for: of all of a token, and of the random part after its two characters.
  const decoded = [secret, secret.slice(2)].map((text) => Buffer.from(text, 'base64url'));
  const texts = [
    secret,
    plain.toString('base64').replaceAll('=', ''),
    plain.toString('base64url'),
    plain.toString('hex'),
    plain.toString('hex').toUpperCase(),
    encodeURIComponent(secret),
    ...decoded.flatMap((bytes) => [bytes.toString('hex'), bytes.toString('base64').replaceAll('=', '')]),
  ];
  return [...texts.map((text) => Buffer.from(text)), ...decoded, Buffer.from(secret, 'utf16le')];
}

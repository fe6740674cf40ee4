/** Bytes that an audio format begins with, as text in `latin1`. */
const UNPLAYABLE: readonly (readonly [name: string, start: string])[] = [
  ['AMR', '#!AMR'],
  ['AU', '.snd'],
  ['W64', 'riff\x2E\x91\xCF\x11'],
  ['RF64', 'RF64'],
  ['RF64', 'BW64'],
  ['AC-3', '\x0B\x77'],
];

/** Codecs within MP4, MOV and 3GP. */
const UNPLAYABLE_CODECS: Readonly<Record<string, string>> = {
  samr: 'AMR',
  sawb: 'AMR',
  'ac-3': 'AC-3',
  'ec-3': 'AC-3',
};

/** Bytes that tell a format: more than any of the tables needs. */
export const SIGNATURE_BYTES = 16;

/** The name of an audio format that no browser plays, if the file begins as one. */
export function unplayableFormat(start: Buffer): string | null {
  const text = start.toString('latin1');
  return UNPLAYABLE.find(([, bytes]) => text.startsWith(bytes))?.[0] ?? null;
}

/** The same for the codec of a file. */
export function unplayableCodec(codec: string): string | null {
  return UNPLAYABLE_CODECS[codec.toLowerCase()] ?? null;
}

/** Whether the file has the structure of MP4, as MOV and 3GP have too. */
export function isMp4(start: Buffer): boolean {
  return start.toString('latin1', 4, 8) === 'ftyp';
}

export function isWav(start: Buffer): boolean {
  return start.toString('latin1', 0, 4) === 'RIFF' && start.toString('latin1', 8, 12) === 'WAVE';
}

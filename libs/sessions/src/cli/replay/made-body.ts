import type { RecordedBody } from '../../operate/replay/recording.js';

/** A body to send. */
export interface MadeBody {
  readonly mediaType: string | null;
  readonly sizeBytes: number;
  /** Its bytes; callable more than once. */
  readonly chunks: () => Iterable<Buffer>;
}

const CHUNK_BYTES = 65_536;
const BOUNDARY = '----nest-sessions-replay';
const FILE_NAME = 'replay.wav';
const WAV_HEADER_BYTES = 44;
const WAV_RATE = 22_050;
const MAX_UINT32 = 0xffff_ffff;

/**
 * The body that was recorded; where its bytes were not kept, one of the same length and media type: a form with one WAV of silence in
 * `field`, such a WAV alone, an empty JSON object with blanks, or zeros.
 */
export function bodyLike({ mediaType, sizeBytes, text }: RecordedBody, field: string): MadeBody {
  if (text !== null) {
    const bytes = Buffer.from(text);
    return { mediaType, sizeBytes: bytes.length, chunks: () => [bytes] };
  }
  if (mediaType === 'multipart/form-data') return formOf(sizeBytes, field);
  if (mediaType?.startsWith('audio/')) return { mediaType, sizeBytes, chunks: () => silence(sizeBytes) };
  if (mediaType !== null && isJson(mediaType)) {
    const bytes = Buffer.from(sizeBytes < 2 ? '0'.repeat(sizeBytes) : `{${' '.repeat(sizeBytes - 2)}}`);
    return { mediaType, sizeBytes, chunks: () => [bytes] };
  }
  return { mediaType, sizeBytes, chunks: () => zeros(sizeBytes) };
}

export function isJson(mediaType: string): boolean {
  return /^application\/(?:[\w.+-]+\+)?json$/.test(mediaType);
}

/** As long as the whole, if the whole is longer than the lines around a file. */
function formOf(sizeBytes: number, field: string): MadeBody {
  const name = field.replaceAll('"', '%22');
  const head = Buffer.from(
    `--${BOUNDARY}\r\nContent-Disposition: form-data; name="${name}"; filename="${FILE_NAME}"\r\nContent-Type: audio/wav\r\n\r\n`,
  );
  const tail = Buffer.from(`\r\n--${BOUNDARY}--\r\n`);
  const fileBytes = Math.max(0, sizeBytes - head.length - tail.length);
  return {
    mediaType: `multipart/form-data; boundary=${BOUNDARY}`,
    sizeBytes: head.length + fileBytes + tail.length,
    *chunks() {
      yield head;
      yield* silence(fileBytes);
      yield tail;
    },
  };
}

/** A WAV of 16 bits and one channel. */
function* silence(sizeBytes: number): Generator<Buffer, void, void> {
  const header = Buffer.alloc(WAV_HEADER_BYTES);
  const dataBytes = Math.min(Math.max(0, sizeBytes - WAV_HEADER_BYTES), MAX_UINT32 - WAV_HEADER_BYTES);
  header.write('RIFF', 0, 'latin1');
  header.writeUInt32LE(dataBytes + WAV_HEADER_BYTES - 8, 4);
  header.write('WAVEfmt ', 8, 'latin1');
  header.writeUInt32LE(16, 16);
  header.writeUInt16LE(1, 20);
  header.writeUInt16LE(1, 22);
  header.writeUInt32LE(WAV_RATE, 24);
  header.writeUInt32LE(WAV_RATE * 2, 28);
  header.writeUInt16LE(2, 32);
  header.writeUInt16LE(16, 34);
  header.write('data', 36, 'latin1');
  header.writeUInt32LE(dataBytes, 40);
  yield header.subarray(0, Math.min(sizeBytes, WAV_HEADER_BYTES));
  yield* zeros(Math.max(0, sizeBytes - WAV_HEADER_BYTES));
}

function* zeros(sizeBytes: number): Generator<Buffer, void, void> {
  const chunk = Buffer.alloc(Math.min(sizeBytes, CHUNK_BYTES));
  let left = sizeBytes;
  while (left > 0) {
    const bytes = Math.min(left, chunk.length);
    yield chunk.subarray(0, bytes);
    left -= bytes;
  }
}

import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';

const FOLDER = resolve(import.meta.dirname, '../fixtures/audio');

export interface Recording {
  readonly name: string;
  readonly mediaType: string;
  readonly codec: string;
  /** `null` where the server cannot read it. */
  readonly sampleRate: number | null;
  /** `null` where the file carries none. */
  readonly seconds: number | null;
}

/** Phrases as browsers and phones record them, with what is known of each. */
export const RECORDINGS: readonly Recording[] = [
  { name: 'hello-en.wav', mediaType: 'audio/wav', codec: 'PCM', sampleRate: 22_050, seconds: 4.558 },
  { name: 'guten-tag-de.wav', mediaType: 'audio/wav', codec: 'PCM', sampleRate: 22_050, seconds: 4.917 },
  { name: 'guten-tag-de.ogg', mediaType: 'audio/ogg', codec: 'Vorbis I', sampleRate: 22_050, seconds: 4.917 },
  { name: 'hello-en.webm', mediaType: 'audio/webm', codec: 'OPUS', sampleRate: 24_000, seconds: 4.566 },
  { name: 'live-en.webm', mediaType: 'audio/webm', codec: 'OPUS', sampleRate: 24_000, seconds: null },
  { name: 'hello-en.m4a', mediaType: 'audio/mp4', codec: 'MPEG-4/AAC', sampleRate: 22_050, seconds: 4.605 },
  {
    name: 'hola-es.mp3',
    mediaType: 'audio/mpeg',
    codec: 'MPEG 2 Layer 3',
    sampleRate: 22_050,
    seconds: 5.12,
  },
  // As Chrome's MediaRecorder writes `audio/mp4`, in fragments.
  { name: 'chrome-opus-frag.mp4', mediaType: 'audio/mp4', codec: 'Opus', sampleRate: 48_000, seconds: 2.007 },
  // The tab was closed: it ends within an element.
  { name: 'live-cut-10001.webm', mediaType: 'audio/webm', codec: 'OPUS', sampleRate: 48_000, seconds: null },
  { name: 'ogg-cut-5000.ogg', mediaType: 'audio/ogg', codec: 'Opus', sampleRate: 48_000, seconds: null },
  {
    name: 'quicktime.mov',
    mediaType: 'video/quicktime',
    codec: 'MPEG-4/AAC',
    sampleRate: null,
    seconds: 2.021,
  },
  { name: 'android.3gp', mediaType: 'audio/3gpp', codec: 'MPEG-4/AAC', sampleRate: 48_000, seconds: 2.021 },
  // Zeros come before it.
  {
    name: 'junk-before.mp3',
    mediaType: 'audio/mpeg',
    codec: 'MPEG 1 Layer 3',
    sampleRate: 48_000,
    seconds: 2.04,
  },
  // All lengths in its header are 0.
  {
    name: 'wav-size0-data-follows.wav',
    mediaType: 'audio/wav',
    codec: 'PCM',
    sampleRate: 16_000,
    seconds: 1,
  },
];

export function bytesOf(name: string): Promise<Buffer> {
  return readFile(join(FOLDER, name));
}

/** A form with one file in it, as a page sends it. */
export function formOf(bytes: Uint8Array, name: string, mediaType: string, field = 'audio'): FormData {
  const form = new FormData();
  form.append(field, new Blob([new Uint8Array(bytes)], { type: mediaType }), name);
  return form;
}

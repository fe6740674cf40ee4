import { Writable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import { parseStream, type IFormat } from 'music-metadata';
import { SessionService, type ByteRange, type ResourceRecord } from 'nest-sessions';
import { SIGNATURE_BYTES, isMp4, isWav, unplayableCodec, unplayableFormat } from './audio-signature.js';
import { bytesOfWholeBoxes } from './mp4-boxes.js';
import { NotWavError, WavDecoder } from './wav-decoder.js';

const SAMPLE_BYTES = 2;

/** The file is no audio, or none that a browser plays. */
export class NotAudioError extends Error {}

/** The format of a recording, as stored in the file itself. */
export interface AudioFormat {
  readonly codec: string;
  /** `null` if the file tells none that the server can read. */
  readonly sampleRate: number | null;
  /** `null` if the file stores none, as in live recordings. */
  readonly durationSeconds: number | null;
}

/** Reads the format of a recording from its bytes: its name and media type are only claims of the client. */
@Injectable()
export class AudioInspector {
  constructor(private readonly sessions: SessionService) {}

  /**
   * What the file tells; also of a recording that was cut off, since its beginning tells it.
   * @throws NotAudioError
   */
  async inspect(resource: ResourceRecord): Promise<AudioFormat> {
    const start = await this.startOf(resource);
    const unplayable = unplayableFormat(start);
    if (unplayable !== null) throw refused(unplayable);
    if (isMp4(start)) return playable(await this.parseMp4(resource));
    const junkBytes = start[0] === 0 ? await this.leadingZeros(resource) : 0;
    const format = await this.parse(resource, { start: junkBytes, end: resource.sizeBytes - 1 });
    // Recorders that are cut off leave the lengths of a WAV at 0.
    if (isWav(start) && !format.duration) return this.decodeWav(resource);
    return playable(format);
  }

  private async startOf(resource: ResourceRecord): Promise<Buffer> {
    if (resource.sizeBytes === 0) throw notAudio();
    const end = Math.min(resource.sizeBytes, SIGNATURE_BYTES) - 1;
    const { stream } = await this.sessions.openResource(resource, { start: 0, end });
    return Buffer.concat((await stream.toArray()) as Buffer[]);
  }

  /** @throws NotAudioError if there is nothing else */
  private async leadingZeros(resource: ResourceRecord): Promise<number> {
    const { stream } = await this.sessions.openResource(resource);
    let zeros = 0;
    for await (const chunk of stream as AsyncIterable<Buffer>) {
      const found = chunk.findIndex((byte) => byte !== 0);
      if (found >= 0) return zeros + found;
      zeros += chunk.length;
    }
    throw notAudio();
  }

  /** MOV and 3GP are MP4 too. The parser learns nothing of a file that ends within a box: it gets the boxes before. */
  private async parseMp4(resource: ResourceRecord): Promise<IFormat> {
    const format = await this.parse(resource, { start: 0, end: resource.sizeBytes - 1 }, 'audio/mp4');
    if (format.hasAudio) return format;
    const { stream } = await this.sessions.openResource(resource);
    const bytes = await bytesOfWholeBoxes(stream);
    if (bytes === 0 || bytes === resource.sizeBytes) return format;
    return this.parse(resource, { start: 0, end: bytes - 1 }, 'audio/mp4');
  }

  /** All that the parser learnt, though it may have failed at the end of a file that was cut off. */
  private async parse(resource: ResourceRecord, range: ByteRange, mimeType?: string): Promise<IFormat> {
    const { stream } = await this.sessions.openResource(resource, range);
    let known: IFormat = { tagTypes: [], trackInfo: [] };
    try {
      const file = { size: range.end - range.start + 1, ...(mimeType === undefined ? {} : { mimeType }) };
      const { format } = await parseStream(stream, file, {
        duration: true,
        skipCovers: true,
        observer: ({ metadata }) => (known = metadata.format),
      });
      return format;
    } catch (error) {
      // The parser throws any kind of error for a file that is not audio; a failed read is a real error.
      if (stream.errored) throw error;
      return known;
    } finally {
      stream.destroy();
    }
  }

  private async decodeWav(resource: ResourceRecord): Promise<AudioFormat> {
    const { stream } = await this.sessions.openResource(resource);
    const decoder = new WavDecoder();
    let bytes = 0;
    const counter = new Writable({
      write(chunk: Buffer, _encoding, done) {
        bytes += chunk.length;
        done();
      },
    });
    try {
      await pipeline(stream, decoder, counter);
    } catch (error) {
      if (error instanceof NotWavError) throw notAudio();
      throw error;
    }
    const { sampleRate } = decoder;
    return { codec: 'PCM', sampleRate, durationSeconds: secondsOf(bytes / SAMPLE_BYTES / sampleRate) };
  }
}

function playable(format: IFormat): AudioFormat {
  const track = format.trackInfo.find(({ codecName }) => codecName !== undefined);
  // The parser puts names that it does not know in angle brackets.
  const codec = (format.codec ?? track?.codecName)?.replace(/^<(.*)>$/, '$1');
  if (!format.hasAudio || !codec) throw notAudio();
  const unplayable = unplayableCodec(codec);
  if (unplayable !== null) throw refused(unplayable);
  return {
    codec,
    sampleRate: format.sampleRate || null,
    durationSeconds: secondsOf(format.duration ?? track?.duration),
  };
}

/** Rounded to milliseconds; `null` for what is no length. */
function secondsOf(seconds: number | undefined): number | null {
  const rounded = Math.round((seconds ?? 0) * 1000) / 1000;
  return rounded > 0 && Number.isFinite(rounded) ? rounded : null;
}

function notAudio(): NotAudioError {
  return new NotAudioError('The server cannot read this file as audio.');
}

function refused(format: string): NotAudioError {
  return new NotAudioError(
    `${format} audio is not supported, since browsers do not play it: send WebM, Ogg, MP4, MP3, FLAC or WAV.`,
  );
}

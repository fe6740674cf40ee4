import { Transform, type TransformCallback } from 'node:stream';

const PCM = 1;
const FLOAT = 3;
const EXTENSIBLE = 0xfffe;
const MAX_FORMAT_BYTES = 1024;

/** The file is not a PCM WAV. */
export class NotWavError extends Error {}

interface WavFormat {
  readonly sampleRate: number;
  readonly channels: number;
  readonly frameBytes: number;
  /** The sample at `offset`, from -1 to 1. */
  readonly sampleAt: (bytes: Buffer, offset: number) => number;
  readonly sampleBytes: number;
}

/**
 * Decodes a WAV to samples of one channel (the mean of all), 16 bits, little endian. Lengths in the header are upper
 * bounds only: programs that write to a pipe cannot know them. A recorder that was cut off leaves 0: then all that follows
 * is data.
 */
export class WavDecoder extends Transform {
  private pending: Buffer = Buffer.alloc(0);
  private skipBytes = 0;
  private dataBytes: number | null = null;
  private headerBytes = 0;
  private riffBytes: number | null = null;
  private parsed: WavFormat | null = null;

  get sampleRate(): number {
    if (!this.parsed) throw new NotWavError('The file has no WAV format.');
    return this.parsed.sampleRate;
  }

  override _transform(chunk: Buffer, _encoding: BufferEncoding, done: TransformCallback): void {
    try {
      this.pending = this.pending.length > 0 ? Buffer.concat([this.pending, chunk]) : chunk;
      while (this.dataBytes === null && this.readHeader());
      if (this.dataBytes !== null) this.decode();
      done();
    } catch (error) {
      done(error as Error);
    }
  }

  override _flush(done: TransformCallback): void {
    done(this.dataBytes === null ? new NotWavError('The file has no WAV data.') : null);
  }

  /** Reads the next piece of the header; `false` while it is incomplete. */
  private readHeader(): boolean {
    if (this.skipBytes > 0) return this.skip();
    if (this.riffBytes === null) {
      const riff = this.cut(12);
      if (!riff) return false;
      if (riff.toString('latin1', 0, 4) !== 'RIFF' || riff.toString('latin1', 8) !== 'WAVE') {
        throw new NotWavError('The file is not a WAV.');
      }
      this.riffBytes = riff.readUInt32LE(4);
      return true;
    }
    if (this.pending.length < 8) return false;
    const name = this.pending.toString('latin1', 0, 4);
    const size = this.pending.readUInt32LE(4);
    if (name === 'fmt ') return this.readFormat(size);
    this.cut(8);
    if (name !== 'data') this.skipBytes = size + (size % 2);
    else if (this.parsed) this.dataBytes = size === 0 && this.isLastChunk(this.riffBytes) ? Infinity : size;
    else throw new NotWavError('The file has WAV data before its format.');
    return true;
  }

  /** Whether no chunk follows this one, by the length of the whole. */
  private isLastChunk(riffBytes: number): boolean {
    return riffBytes === 0 || riffBytes + 8 <= this.headerBytes;
  }

  private readFormat(size: number): boolean {
    if (size < 16 || size > MAX_FORMAT_BYTES) throw new NotWavError('The WAV format is malformed.');
    const chunk = this.cut(8 + size + (size % 2));
    if (!chunk) return false;
    this.parsed = parseFormat(chunk.subarray(8));
    return true;
  }

  private skip(): boolean {
    const bytes = Math.min(this.skipBytes, this.pending.length);
    this.skipBytes -= bytes;
    this.headerBytes += bytes;
    this.pending = this.pending.subarray(bytes);
    return this.skipBytes === 0;
  }

  private cut(bytes: number): Buffer | null {
    if (this.pending.length < bytes) return null;
    const piece = this.pending.subarray(0, bytes);
    this.headerBytes += bytes;
    this.pending = this.pending.subarray(bytes);
    return piece;
  }

  private decode(): void {
    const { parsed: format, dataBytes } = this;
    if (!format || dataBytes === null) return;
    const { frameBytes, sampleBytes, channels, sampleAt } = format;
    const frames = Math.floor(Math.min(this.pending.length, dataBytes) / frameBytes);
    const samples = Buffer.allocUnsafe(frames * 2);
    for (let frame = 0; frame < frames; frame += 1) {
      let sum = 0;
      for (let channel = 0; channel < channels; channel += 1) {
        sum += sampleAt(this.pending, frame * frameBytes + channel * sampleBytes);
      }
      samples.writeInt16LE(toInt16(sum / channels), frame * 2);
    }
    this.dataBytes = dataBytes - frames * frameBytes;
    this.pending = this.dataBytes < frameBytes ? Buffer.alloc(0) : this.pending.subarray(frames * frameBytes);
    if (frames > 0) this.push(samples);
  }
}

function toInt16(sample: number): number {
  return Math.round(Math.max(-1, Math.min(1, sample || 0)) * 32_767);
}

function parseFormat(chunk: Buffer): WavFormat {
  const tag = chunk.readUInt16LE(0);
  const kind = tag === EXTENSIBLE && chunk.length >= 26 ? chunk.readUInt16LE(24) : tag;
  const channels = chunk.readUInt16LE(2);
  const sampleRate = chunk.readUInt32LE(4);
  const sampleBytes = chunk.readUInt16LE(14) / 8;
  const sampleAt = readerOf(kind, sampleBytes);
  if (!sampleAt || channels < 1 || channels > 64 || sampleRate === 0) {
    throw new NotWavError('The WAV has no PCM samples.');
  }
  return { sampleRate, channels, sampleBytes, frameBytes: channels * sampleBytes, sampleAt };
}

function readerOf(kind: number, sampleBytes: number): WavFormat['sampleAt'] | null {
  if (kind === PCM && sampleBytes === 1) return (bytes, at) => (bytes.readUInt8(at) - 128) / 128;
  if (kind === PCM && [2, 3, 4].includes(sampleBytes)) {
    const scale = 2 ** (sampleBytes * 8 - 1);
    return (bytes, at) => bytes.readIntLE(at, sampleBytes) / scale;
  }
  if (kind === FLOAT && sampleBytes === 4) return (bytes, at) => bytes.readFloatLE(at);
  if (kind === FLOAT && sampleBytes === 8) return (bytes, at) => bytes.readDoubleLE(at);
  return null;
}

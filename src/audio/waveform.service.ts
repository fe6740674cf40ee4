import type { Readable } from 'node:stream';
import { pipeline } from 'node:stream/promises';
import { Injectable } from '@nestjs/common';
import { SessionService, type ResourceRecord, type Session } from 'nest-sessions';
import { WavDecoder } from './wav-decoder.js';

const PEAKS = 200;
const SAMPLE_BYTES = 2;

export interface Waveform {
  readonly sampleRate: number;
  readonly durationSeconds: number;
  /** The loudest sample of each equal part of the recording, from 0 to 1. */
  readonly peaks: readonly number[];
}

/**
 * Computes the peaks of a WAV in two passes, because only decoding shows its length. The decoded samples are kept in a
 * temp file of the session: it counts against the session's limits, and is deleted with the session at the latest.
 */
@Injectable()
export class WaveformService {
  constructor(private readonly sessions: SessionService) {}

  /** @throws NotWavError */
  async compute(session: Session, recording: ResourceRecord): Promise<Waveform> {
    const decoder = new WavDecoder();
    const samples = await this.decode(session, recording, decoder);
    try {
      const { stream } = await this.sessions.openResource(samples);
      const frames = samples.sizeBytes / SAMPLE_BYTES;
      const { sampleRate } = decoder;
      return {
        sampleRate,
        durationSeconds: Math.round((frames / sampleRate) * 1000) / 1000,
        peaks: await peaksOf(stream, frames),
      };
    } finally {
      await this.sessions.release(samples);
    }
  }

  private async decode(
    session: Session,
    recording: ResourceRecord,
    decoder: WavDecoder,
  ): Promise<ResourceRecord> {
    const { stream } = await this.sessions.openResource(recording);
    try {
      const sink = await this.sessions.createTempFile(session, { purpose: 'waveform' });
      const closed = new Promise((resolve) => sink.once('close', resolve));
      try {
        await pipeline(stream, decoder, sink);
      } finally {
        // After a failure the sink deletes what it wrote: answer only then.
        await closed;
      }
      return sink.resource;
    } finally {
      stream.destroy();
    }
  }
}

async function peaksOf(samples: Readable, frames: number): Promise<number[]> {
  const peaks = Array.from({ length: Math.min(PEAKS, frames) }, () => 0);
  let frame = 0;
  let rest: Buffer = Buffer.alloc(0);
  for await (const chunk of samples as AsyncIterable<Buffer>) {
    const bytes = rest.length > 0 ? Buffer.concat([rest, chunk]) : chunk;
    const whole = bytes.length - (bytes.length % SAMPLE_BYTES);
    for (let at = 0; at < whole; at += SAMPLE_BYTES, frame += 1) {
      const part = Math.floor((frame * peaks.length) / frames);
      const level = Math.abs(bytes.readInt16LE(at));
      if (level > (peaks[part] ?? 0)) peaks[part] = level;
    }
    rest = bytes.subarray(whole);
  }
  return peaks.map((level) => Math.round((level / 32_767) * 10_000) / 10_000);
}

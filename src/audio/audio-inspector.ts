import { Injectable } from '@nestjs/common';
import { parseStream } from 'music-metadata';
import { SessionService, type ResourceRecord } from 'nest-sessions';

/** What a recording says of itself. */
export interface AudioFormat {
  readonly codec: string;
  readonly sampleRate: number;
  /** `null` where the file carries none, as recordings made live do. */
  readonly durationSeconds: number | null;
}

/** Reads the format of a recording from its bytes: names and media types are what a client claims. */
@Injectable()
export class AudioInspector {
  constructor(private readonly sessions: SessionService) {}

  /** `null` for what is not audio. */
  async inspect(resource: ResourceRecord): Promise<AudioFormat | null> {
    const { stream } = await this.sessions.openResource(resource);
    try {
      const { format } = await parseStream(
        stream,
        { size: resource.sizeBytes },
        { duration: true, skipCovers: true },
      );
      const { codec, sampleRate, duration } = format;
      if (!format.hasAudio || !codec || !sampleRate) return null;
      return { codec, sampleRate, durationSeconds: duration ? Math.round(duration * 1000) / 1000 : null };
    } catch (error) {
      // The parser fails in as many ways as there are files; a read that failed is another matter.
      if (stream.errored) throw error;
      return null;
    } finally {
      stream.destroy();
    }
  }
}

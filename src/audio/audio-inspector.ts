import { Injectable } from '@nestjs/common';
import { parseStream } from 'music-metadata';
import { SessionService, type ResourceRecord } from 'nest-sessions';

/** The format of a recording, as stored in the file itself. */
export interface AudioFormat {
  readonly codec: string;
  readonly sampleRate: number;
  /** `null` if the file stores none, as in live recordings. */
  readonly durationSeconds: number | null;
}

/** Reads the format of a recording from its bytes: its name and media type are only claims of the client. */
@Injectable()
export class AudioInspector {
  constructor(private readonly sessions: SessionService) {}

  /** `null` if the file is not audio. */
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
      // The parser throws any kind of error for a file that is not audio; a failed read is a real error.
      if (stream.errored) throw error;
      return null;
    } finally {
      stream.destroy();
    }
  }
}

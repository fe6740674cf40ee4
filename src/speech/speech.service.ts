import { Injectable } from '@nestjs/common';
import { SessionService, type ResourceRecord, type Session } from 'nest-sessions';
import { Progress, type SpeechState } from '../live/progress.js';
import { Espeak } from './espeak.js';
import type { Language } from './languages.js';

/** Synthesises text as a recording that the session owns, and publishes the progress to the session. */
@Injectable()
export class SpeechService {
  constructor(
    private readonly sessions: SessionService,
    private readonly espeak: Espeak,
    private readonly progress: Progress,
  ) {}

  async speak(session: Session, text: string, language: Language): Promise<ResourceRecord> {
    const sink = await this.sessions.createFile(session, {
      type: 'audio_file',
      purpose: 'speech',
      fileName: `speech-${language}.wav`,
      mediaType: 'audio/wav',
    });
    const publish = (state: SpeechState): void =>
      this.progress.publish(session.id, { kind: 'speech', resource_id: sink.resourceId, state });
    publish('started');
    try {
      await this.espeak.speak(text, language, sink);
    } catch (error) {
      publish('failed');
      throw error;
    }
    publish('finished');
    return sink.resource;
  }
}

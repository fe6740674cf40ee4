import { Body, Controller, Get, Post, ServiceUnavailableException } from '@nestjs/common';
import { CurrentSession, Session, SkipSession } from 'nest-sessions';
import { EspeakMissingError } from './espeak.js';
import { LANGUAGES } from './languages.js';
import { SpeechRequest } from './speech.request.js';
import { SpeechService } from './speech.service.js';

/** Synthesises speech. */
@Controller('speech')
export class SpeechController {
  constructor(private readonly speech: SpeechService) {}

  /** The languages that `POST /speech` takes. */
  @Get('languages')
  @SkipSession()
  languages() {
    return { languages: LANGUAGES };
  }

  @Post()
  async speak(@CurrentSession() session: Session, @Body() { text, language = 'en' }: SpeechRequest) {
    const spoken = await this.speech.speak(session, text, language).catch(explainMissing);
    return {
      resource_id: spoken.id,
      file_name: spoken.fileName,
      media_type: spoken.mediaType,
      size_bytes: spoken.sizeBytes,
      language,
    };
  }
}

function explainMissing(error: unknown): never {
  if (!(error instanceof EspeakMissingError)) throw error;
  throw new ServiceUnavailableException(
    'Speech synthesis is not available on this server: install espeak-ng (Debian: apt-get install espeak-ng; macOS: brew install espeak-ng).',
  );
}

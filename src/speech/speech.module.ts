import { Module } from '@nestjs/common';
import { LiveModule } from '../live/live.module.js';
import { Espeak } from './espeak.js';
import { SpeechController } from './speech.controller.js';
import { SpeechService } from './speech.service.js';

@Module({ imports: [LiveModule], controllers: [SpeechController], providers: [SpeechService, Espeak] })
export class SpeechModule {}

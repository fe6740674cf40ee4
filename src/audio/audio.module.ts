import { Module } from '@nestjs/common';
import { LiveModule } from '../live/live.module.js';
import { AudioController } from './audio.controller.js';
import { AudioInspector } from './audio-inspector.js';
import { WaveformService } from './waveform.service.js';

@Module({
  imports: [LiveModule],
  controllers: [AudioController],
  providers: [AudioInspector, WaveformService],
})
export class AudioModule {}

import {
  Controller,
  Get,
  NotFoundException,
  Param,
  Post,
  UnsupportedMediaTypeException,
  UseInterceptors,
} from '@nestjs/common';
import {
  CurrentSession,
  Session,
  SessionService,
  UploadInterceptor,
  UploadedResource,
  type ResourceRecord,
} from 'nest-sessions';
import { AudioInspector, NotAudioError } from './audio-inspector.js';
import { NotWavError } from './wav-decoder.js';
import { UploadProgressInterceptor } from './upload-progress.interceptor.js';
import { WaveformService } from './waveform.service.js';

/** Accepts recordings in the formats that browsers record. */
@Controller('audio')
export class AudioController {
  constructor(
    private readonly sessions: SessionService,
    private readonly inspector: AudioInspector,
    private readonly waveforms: WaveformService,
  ) {}

  @Post()
  @UseInterceptors(
    UploadProgressInterceptor,
    UploadInterceptor('audio', { type: 'audio_file', purpose: 'transcription' }),
  )
  async upload(@UploadedResource() recording: ResourceRecord) {
    // When the handler throws, the upload interceptor releases the file.
    const format = await this.inspector.inspect(recording).catch((error: unknown) => {
      throw error instanceof NotAudioError ? new UnsupportedMediaTypeException(error.message) : error;
    });
    return {
      resource_id: recording.id,
      file_name: recording.fileName,
      media_type: recording.mediaType,
      size_bytes: recording.sizeBytes,
      duration_seconds: format.durationSeconds,
      codec: format.codec,
      sample_rate: format.sampleRate,
    };
  }

  @Get(':id/waveform')
  async waveform(@CurrentSession() session: Session, @Param('id') id: string) {
    const recording = await this.sessions.findResource(session, id);
    if (!recording) throw new NotFoundException('This session has no such resource.');
    try {
      const { sampleRate, durationSeconds, peaks } = await this.waveforms.compute(session, recording);
      return { resource_id: id, sample_rate: sampleRate, duration_seconds: durationSeconds, peaks };
    } catch (error) {
      if (error instanceof NotWavError)
        throw new UnsupportedMediaTypeException('A waveform requires a PCM WAV file.');
      throw error;
    }
  }
}

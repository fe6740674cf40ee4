import { Module } from '@nestjs/common';
import { ScheduleModule } from '@nestjs/schedule';
import { SessionsModule } from 'nest-sessions';
import { SessionsAdminPageModule } from 'nest-sessions/admin';
import { SessionsMetricsModule } from 'nest-sessions/metrics';
import { AudioModule } from './audio/audio.module.js';
import { HealthModule } from './health/health.module.js';
import { LiveModule } from './live/live.module.js';
import { LoginModule } from './login/login.module.js';
import { PageController } from './page/page.controller.js';
import { ResourcesController } from './resources/resources.controller.js';
import { SessionController } from './session/session.controller.js';
import { SpeechModule } from './speech/speech.module.js';

/** A small speech server. The first four imports are all that sessions, their files, limits and cleanup need. */
@Module({
  imports: [
    ScheduleModule.forRoot(),
    SessionsModule.forRoot(),
    SessionsAdminPageModule,
    SessionsMetricsModule,
    AudioModule,
    SpeechModule,
    LiveModule,
    LoginModule,
    HealthModule,
  ],
  controllers: [PageController, ResourcesController, SessionController],
})
export class AppModule {}

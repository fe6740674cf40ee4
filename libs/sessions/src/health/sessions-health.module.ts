import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { SessionsHealthIndicator } from './sessions-health.indicator.js';

/** Import it where your health controller is, beside `TerminusModule`, and inject `SessionsHealthIndicator` there. */
@Module({
  imports: [TerminusModule],
  providers: [SessionsHealthIndicator],
  exports: [SessionsHealthIndicator],
})
export class SessionsHealthModule {}

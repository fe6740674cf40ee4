import { Module } from '@nestjs/common';
import { TerminusModule } from '@nestjs/terminus';
import { SessionsHealthIndicator } from './sessions-health.indicator.js';

/** Import it, beside `TerminusModule`, in the module of the controller that injects `SessionsHealthIndicator`. */
@Module({
  imports: [TerminusModule],
  providers: [SessionsHealthIndicator],
  exports: [SessionsHealthIndicator],
})
export class SessionsHealthModule {}

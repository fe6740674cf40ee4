import { Module } from '@nestjs/common';
import { SessionsMetricsController } from './sessions-metrics.controller.js';
import { SessionsMetrics } from './sessions-metrics.js';

/** `GET /metrics` for Prometheus. Requires the option `metricsToken` (`SESSION_METRICS_TOKEN`), if set, as a bearer token. */
@Module({
  controllers: [SessionsMetricsController],
  providers: [SessionsMetrics],
  exports: [SessionsMetrics],
})
export class SessionsMetricsModule {}

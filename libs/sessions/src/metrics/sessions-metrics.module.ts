import { Module } from '@nestjs/common';
import { SessionsMetricsController } from './sessions-metrics.controller.js';
import { SessionsMetrics } from './sessions-metrics.js';

/** `GET /metrics` for Prometheus. With the setting `metricsToken` (`SESSION_METRICS_TOKEN`) it wants that as a bearer token. */
@Module({
  controllers: [SessionsMetricsController],
  providers: [SessionsMetrics],
  exports: [SessionsMetrics],
})
export class SessionsMetricsModule {}

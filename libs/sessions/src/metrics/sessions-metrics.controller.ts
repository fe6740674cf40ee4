import { Controller, Get, Header, Inject, UseGuards, VERSION_NEUTRAL } from '@nestjs/common';
import { Registry } from 'prom-client';
import { SkipSession } from '../http/session/skip-session.decorator.js';
import { MetricsTokenGuard } from './metrics-token.guard.js';
import { SessionsMetrics } from './sessions-metrics.js';

/** `GET /metrics`, in the text format of Prometheus. */
@Controller({ path: 'metrics', version: VERSION_NEUTRAL })
@SkipSession()
@UseGuards(MetricsTokenGuard)
export class SessionsMetricsController {
  constructor(@Inject(SessionsMetrics) private readonly metrics: SessionsMetrics) {}

  @Get()
  @Header('Content-Type', Registry.PROMETHEUS_CONTENT_TYPE)
  @Header('Cache-Control', 'no-store')
  scrape(): Promise<string> {
    return this.metrics.render();
  }
}

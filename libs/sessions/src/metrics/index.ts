export { SessionsMetrics } from './sessions-metrics.js';
export { SessionsMetricsModule } from './sessions-metrics.module.js';

export { SessionsHealthIndicator } from './sessions-health.indicator.js';
export { SessionsHealthModule } from './sessions-health.module.js';

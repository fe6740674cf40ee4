export { SessionsThrottler, type SessionsThrottlerOptions } from './sessions-throttler.js';
export { SessionsThrottlerModule } from './sessions-throttler.module.js';

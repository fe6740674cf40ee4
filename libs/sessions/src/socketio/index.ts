export { sessionOf } from '../http/session/connection-sessions.js';
export { SessionsIoAdapter } from './session-io.adapter.js';
export { SessionsIoErrorFilter } from './sessions-io-error.filter.js';

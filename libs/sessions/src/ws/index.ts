export { sessionOf } from '../http/connection-sessions.js';
export { SessionsWsAdapter } from './session-ws.adapter.js';
export { SessionsWsErrorFilter } from './sessions-ws-error.filter.js';

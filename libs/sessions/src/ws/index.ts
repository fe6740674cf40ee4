export { sessionOf } from '../http/session/connection-sessions.js';
export { SessionsWsAdapter } from './session-ws.adapter.js';
export { SessionsWsErrorFilter } from './sessions-ws-error.filter.js';

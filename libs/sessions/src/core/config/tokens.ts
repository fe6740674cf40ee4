/** Injection token of the resolved configuration (`SessionsConfig`). */
export const SESSIONS_CONFIG = Symbol('SESSIONS_CONFIG');

/** The resolved configuration (`SessionsConfig`), for whoever needs to inject it. */
export const SESSIONS_CONFIG = Symbol('SESSIONS_CONFIG');

import { SessionsError } from '../../../domain/errors.js';

const RETRY_AFTER_SECONDS = 1;

export const NOT_CONNECTED = 'The session store is not connected: call connect() first';

/** The meaning of Redis error codes for operators. */
const MEANINGS: Readonly<Record<string, string>> = {
  OOM: 'Redis is out of memory: raise maxmemory, or end sessions',
  LOADING: 'Redis is still loading its data: wait',
  READONLY: 'This Redis is a read-only replica: set redisUrls to its master',
  MASTERDOWN: 'The Redis replica has lost its master: check the master',
  CLUSTERDOWN: 'The Redis cluster does not serve all its slots: check its nodes',
  TRYAGAIN: 'The Redis cluster is moving slots: wait',
  BUSY: 'Redis is blocked by a long script: wait, or run SCRIPT KILL',
  NOAUTH: 'Redis requires a password: add it to redisUrls (SESSION_REDIS_URL)',
  WRONGPASS: 'Redis refused the user name or password in redisUrls (SESSION_REDIS_URL)',
  NOPERM: 'The Redis user lacks a permission: see the ACL in docs/several-servers.md',
  MISCONF: 'Redis refuses writes because saving to its disk fails: check that disk',
  NOREPLICAS: 'Redis refuses writes because it has too few replicas (min-replicas-to-write): check them',
};

/** Redis did not answer in time. It may have executed the command. */
export class RedisSilence extends Error {
  override readonly name = 'RedisSilence';
}

/** Whether Redis does not know the hash of a script yet. */
export function isScriptUnknown(error: unknown): boolean {
  return firstWord(error) === 'NOSCRIPT';
}

/** Whether Redis does not allow the command. */
export function isForbidden(error: unknown): boolean {
  return (
    firstWord(error) === 'NOPERM' || (firstWord(error) === 'ERR' && /unknown command/i.test(String(error)))
  );
}

/** Converts any error to a `SessionsError`. */
export function storeError(error: unknown): SessionsError {
  return error instanceof SessionsError ? error : unavailable(meaningOf(error), error);
}

/** The error of a store that cannot connect to `address`: names it, and the cause, for operators. */
export function connectingError(error: unknown, address: string | null): SessionsError {
  if (error instanceof SessionsError) return error;
  const place = address === null ? 'Redis' : `Redis at ${address}`;
  return unavailable(`Connecting to ${place} failed (${causeOf(error)}): ${meaningOf(error)}`, error);
}

function causeOf(error: unknown): string {
  // Not `instanceof`: in a test runner, system errors come from another realm.
  const { code, message } = Object(error) as { code?: unknown; message?: unknown };
  return typeof code === 'string' ? code : String(message ?? error);
}

export function unavailable(message: string, cause?: unknown): SessionsError {
  return new SessionsError('STORE_UNAVAILABLE', message, {
    retryAfterSeconds: RETRY_AFTER_SECONDS,
    ...(cause === undefined ? {} : { cause }),
  });
}

export function incompatible(message: string): SessionsError {
  return new SessionsError('STORE_INCOMPATIBLE', message);
}

function meaningOf(error: unknown): string {
  if (error instanceof RedisSilence) return 'Redis did not answer in time';
  return (
    MEANINGS[firstWord(error)] ??
    'Redis is unreachable or failed: check the server and redisUrls (SESSION_REDIS_URL)'
  );
}

function firstWord(error: unknown): string {
  return error instanceof Error ? (/^[A-Z]+/.exec(error.message)?.[0] ?? '') : '';
}

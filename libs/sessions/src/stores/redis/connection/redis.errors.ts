import { SessionsError } from '../../../domain/errors.js';

/** After which a caller may ask again. */
const RETRY_AFTER_SECONDS = 1;

/** What Redis' own error words mean to whoever runs it. */
const MEANINGS: Readonly<Record<string, string>> = {
  OOM: 'Redis is out of memory: give it more, or end sessions',
  LOADING: 'Redis is loading its data; it will answer soon',
  READONLY: 'Redis is a replica here: nothing can be written to it',
  MASTERDOWN: 'Redis has lost its master',
  CLUSTERDOWN: 'The Redis cluster does not serve all its slots at the moment',
  TRYAGAIN: 'The Redis cluster is moving slots at the moment',
  BUSY: 'Redis is busy with a long script',
  NOAUTH: 'Redis wants a password',
  WRONGPASS: 'Redis refused the user name or the password',
  NOPERM: 'Redis does not allow this user what sessions need',
  MISCONF: 'Redis cannot write to its disk, and therefore refuses writes',
};

/** Redis did not answer in time. It may have done what it was asked for. */
export class RedisSilence extends Error {
  override readonly name = 'RedisSilence';
}

/** Whether Redis, asked to run a script by its hash, does not know it yet. */
export function isScriptUnknown(error: unknown): boolean {
  return firstWord(error) === 'NOSCRIPT';
}

/** Whether Redis does not allow the question itself. */
export function isForbidden(error: unknown): boolean {
  return (
    firstWord(error) === 'NOPERM' || (firstWord(error) === 'ERR' && /unknown command/i.test(String(error)))
  );
}

/** Whatever went wrong, as everybody else knows it. */
export function storeError(error: unknown): SessionsError {
  return error instanceof SessionsError ? error : unavailable(meaningOf(error), error);
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
  return MEANINGS[firstWord(error)] ?? 'Redis cannot be reached, or failed';
}

function firstWord(error: unknown): string {
  return error instanceof Error ? (/^[A-Z]+/.exec(error.message)?.[0] ?? '') : '';
}

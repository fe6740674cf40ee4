import type { INestApplicationContext } from '@nestjs/common';
import { Cleanup, type CleanupReport } from '../../core/cleanup/cleanup.js';
import { SessionsCore } from '../../core/core.js';
import { Session } from '../../core/handles/session.js';
import { openingError } from '../../core/sessions/session-opener.js';
import { SessionsError } from '../../domain/errors.js';
import { SessionResolver } from '../../http/session/session-resolver.js';
import { TestClient, type TestSession } from './test-client.js';

/** The client that a session of a test is bound to, and its user. */
export interface TestSessionOptions {
  /** Logs this user in. Default: none. */
  readonly userId?: string;
  /** Default: `127.0.0.1`, where a test runs its server. */
  readonly ipAddress?: string;
  /** Default: `nest-sessions-test`. */
  readonly userAgent?: string;
  /** Whether its requests come over https: the cookie has another name then. Default: false. */
  readonly isSecure?: boolean;
}

/**
 * Opens a session for a test, as if its client had sent two requests: it is live, and idles out after `maxIdleSeconds`. `module` is the
 * application, or a testing module that imports `SessionsModule`.
 * @throws SessionsError `SESSION_RATE_LIMITED`, `SESSIONS_FULL`, `INVALID_ARGUMENT` (the user id)
 */
export async function testSession(
  module: Pick<INestApplicationContext, 'get'>,
  options: TestSessionOptions = {},
): Promise<TestSession> {
  const core = module.get(SessionsCore, { strict: false });
  const { tokens } = module.get(SessionResolver, { strict: false });
  const { userId, ipAddress = '127.0.0.1', userAgent = 'nest-sessions-test', isSecure = false } = options;
  const use = core.config.tokenIn === 'header' ? 'bearer' : 'cookie';
  const client = { ipAddress, userAgent };
  const opening = await core.service.open(client, use);
  if (opening.kind === 'refused') throw openingError(opening);
  const { token } = opening;
  core.finder.touch(opening.session.id, token.hash);
  const found = await core.finder.identify(token.reveal(), client, false, 'learn', use);
  if (found.kind !== 'live')
    throw new SessionsError('SESSION_GONE', 'The session of the test ended while it was opened.');
  const session = new Session(found.record);
  session.readDataFrom(core.values.ofConnections);
  const testClient = new TestClient(session, { tokens, token, userAgent, isSecure, use });
  if (userId !== undefined) await core.service.login(session, userId);
  return testClient;
}

/**
 * One full cleanup: ends what is due and deletes what is left over. When it resolves, the files are deleted. Reads need none: by
 * them, a session past its end is over at once.
 */
export function runCleanup(module: Pick<INestApplicationContext, 'get'>): Promise<CleanupReport[]> {
  return module.get(Cleanup, { strict: false }).runAll();
}

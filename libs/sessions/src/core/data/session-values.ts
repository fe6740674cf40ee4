import { randomBytes } from 'node:crypto';
import { SessionsError, staleSession } from '../../domain/errors.js';
import { dataBytesOf } from '../../domain/limits.js';
import type { SessionRecord } from '../../domain/session.js';
import { REPEATED_MS, type DataChange, type DataLimits, type DataWrite } from '../../ports/data.js';
import { requireSession } from '../handles/arguments.js';
import type { SessionRef } from '../handles/session.js';
import type { SessionDataSource, SessionDataView } from '../handles/session-data-view.js';
import { underAuthority } from '../handles/under-authority.js';
import { untilAnswered } from '../process/bounded-wait.js';
import type { CoreContext } from '../process/context.js';
import { admitted, goneSession } from '../resources/refused.js';
import { MOST_DATA_KEYS } from './data-text.js';
import { ValuesView } from './values-view.js';

/** The JSON of each key. */
export type SessionTexts = ReadonlyMap<string, string>;

/** Reads and writes the data of live sessions, as texts. */
export class SessionValues {
  /** For a request: its data is read once. */
  readonly ofRequests: SessionDataSource = { viewOf: (session) => new ValuesView(this, session, true) };
  /** For what lives longer than a request: each `get` reads the store. */
  readonly ofConnections: SessionDataSource = { viewOf: (session) => this.viewOf(session) };
  readonly limits: DataLimits;

  constructor(
    private readonly context: CoreContext,
    private readonly isLive: (record: SessionRecord) => boolean,
  ) {
    this.limits = { maxBytes: context.config.maxDataBytes, maxKeys: MOST_DATA_KEYS };
  }

  viewOf(session: SessionRef): SessionDataView {
    return new ValuesView(this, session, false);
  }

  /** @throws SessionsError `SESSION_GONE`, `SESSION_STALE` */
  async read(session: SessionRef): Promise<SessionTexts> {
    requireSession(session);
    const { data } = this.context.store;
    const read = await underAuthority(session, (authority) => data.read(session.id, authority));
    if (read === 'stale') throw staleSession();
    // A cleanup may be late.
    if (read === null || !this.isLive(read.session)) throw goneSession();
    return new Map(read.values.map(({ key, json }) => [key, json]));
  }

  /**
   * Answers whether the change was made: `false` if the value is not the expected one. A lost answer is asked for again: the write is
   * made once.
   * @throws SessionsError `SESSION_GONE`, `SESSION_STALE`, `DATA_TOO_LARGE`
   */
  async write(session: SessionRef, change: DataChange): Promise<boolean> {
    requireSession(session);
    const { clock, store } = this.context;
    const { limits } = this;
    if (dataBytesOf(change.key, change.json) > limits.maxBytes) throw this.tooLarge();
    const operation = randomBytes(12).toString('base64url');
    const write: DataWrite = { operation, at: clock.now(), changes: [change], limits };
    const startedAt = clock.monotonic();
    const answer = admitted(
      await underAuthority(session, (authority) =>
        untilAnswered(clock, () => {
          // The store may have forgotten it, so that it would be made twice: this process stood still.
          if (clock.monotonic() - startedAt >= REPEATED_MS / 2) throw unanswered();
          return store.data.write(session.id, authority, write);
        }),
      ),
    );
    if (answer === 'too_large') throw this.tooLarge();
    if (answer === 'too_many') {
      const message = `The session already has ${limits.maxKeys} data keys, the most it may have: remove some.`;
      throw new SessionsError('DATA_TOO_LARGE', message);
    }
    return answer === 'done';
  }

  private tooLarge(): SessionsError {
    return new SessionsError(
      'DATA_TOO_LARGE',
      `The data of the session would be more than ${this.limits.maxBytes} bytes (maxDataBytes): remove some, or keep large values in a file.`,
    );
  }
}

function unanswered(): SessionsError {
  return new SessionsError('STORE_UNAVAILABLE', 'The store did not answer whether it wrote the data.');
}

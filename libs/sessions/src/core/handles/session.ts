import { SessionsError } from '../../domain/errors.js';
import { idleEndsAt } from '../../domain/lifetime.js';
import { authorityOf, type Authority, type SessionRecord } from '../../domain/session.js';
import type { SessionDataKey, SessionDataTypes } from './session-data.js';
import type { SessionDataSource, SessionDataView } from './session-data-view.js';
import type { TokenCarrier } from './token-carrier.js';

/** Logins and regenerates under way. */
const replacements = new WeakMap<SessionRef, Promise<void>>();
/** All authorities that an object had by replacements of its own, has, or gets by one under way. */
const ownAuthorities = new WeakMap<SessionRef, Set<Authority>>();

/**
 * A snapshot of a live session, for handlers and services. Instants are epoch milliseconds. Its resources and counts,
 * which change with every request, come from `SessionService.describe`.
 *
 * It may read and write as long as the token that it was made for is the session's. A `login` or `regenerate` with this
 * object makes it follow the new token, with all that was begun with it; one with another object makes this one stale, unless
 * it keeps connections: `SESSION_STALE`.
 */
export class Session {
  /**
   * Public id (UUID): safe in logs, URLs and support mails; not a credential. Changes only by `login` with
   * `ifTaken: 'restart'`, which makes this object that of the new session.
   */
  readonly id: string;
  readonly ipAddress: string;
  readonly userAgent: string;
  readonly createdAt: number;
  readonly lastActivityAt: number;
  /** The absolute end, whatever the activity. */
  readonly expiresAt: number;
  /** The idle end, if no activity follows. */
  readonly idleEndsAt: number;
  /** `null` until a login. */
  readonly userId: string | null;
  /** Whether its cookie outlives the browser: see the option `remember` of `login`. */
  readonly remembered: boolean;
  /** @internal What this object may do. A login or regenerate with this object replaces it: read it at each use. */
  readonly authority: Authority;
  #carrier: TokenCarrier | null = null;
  #source: SessionDataSource | null = null;
  #data: SessionDataView | null = null;

  constructor(record: SessionRecord) {
    this.id = record.id;
    this.ipAddress = record.ipAddress;
    this.userAgent = record.userAgent;
    this.createdAt = record.createdAt;
    this.lastActivityAt = record.lastActivityAt;
    this.expiresAt = record.expiresAt;
    this.idleEndsAt = idleEndsAt(record);
    this.userId = record.userId;
    this.remembered = record.remembered;
    this.authority = authorityOf(record.tokenHash);
  }

  /**
   * The value of a key of the session's data; `undefined` for none. A request reads its data once, at the first `get`, and sees
   * its own writes; a WebSocket and an event stream read anew. `SessionService` has the same methods for jobs.
   */
  async get<Key extends SessionDataKey>(key: Key): Promise<SessionDataTypes[Key] | undefined> {
    return this.#view().get(key);
  }

  /** See `SessionService.set`. */
  async set<Key extends SessionDataKey>(key: Key, value: SessionDataTypes[Key]): Promise<void> {
    return this.#view().set(key, value);
  }

  /** See `SessionService.update`. */
  async update<Key extends SessionDataKey>(
    key: Key,
    change: (value: SessionDataTypes[Key] | undefined) => SessionDataTypes[Key],
  ): Promise<SessionDataTypes[Key]> {
    return this.#view().update(key, change);
  }

  /** See `SessionService.take`. */
  async take<Key extends SessionDataKey>(key: Key): Promise<SessionDataTypes[Key] | undefined> {
    return this.#view().take(key);
  }

  /** See `SessionService.remove`. */
  async remove(key: SessionDataKey): Promise<void> {
    return this.#view().remove(key);
  }

  /** @internal A replacement with this object will give it this authority: it is not cut off if another process is faster. */
  static expect(session: SessionRef, authority: Authority): void {
    const current = Session.authorityOf(session);
    if (current === null) return;
    const own = ownAuthorities.get(session) ?? new Set([current]);
    ownAuthorities.set(session, own.add(authority));
  }

  /** @internal No replacement gives it this authority any more. */
  static unexpect(session: SessionRef, authority: Authority): void {
    if (Session.authorityOf(session) !== authority) ownAuthorities.get(session)?.delete(authority);
  }

  /**
   * @internal Whether the object may act after a replacement: it made it, or made a later one, or acts by id alone. If the
   * replacement kept its authority, it gets the new one.
   */
  static follows(session: SessionRef, { authority, keptAuthorities }: Followable): boolean {
    const own = Session.authorityOf(session);
    if (own === null || own === authority || ownAuthorities.get(session)?.has(authority)) return true;
    if (!keptAuthorities.includes(own)) return false;
    Session.expect(session, authority);
    Object.assign(session, { authority });
    return true;
  }

  /**
   * @internal Makes `session` follow what `replacing` answers: another token, user or session. Until then `replacement`
   * waits for it.
   */
  static async replace(session: Session, replacing: Promise<Partial<Session>>): Promise<void> {
    const replaced = replacing.then((values) => {
      if (Session.authorityOf(session) === null) return;
      Object.assign(session, values);
      // A login may delete data, or go into another session.
      if (#data in session) session.#data = null;
    });
    replacements.set(session, replaced);
    try {
      await replaced;
    } finally {
      if (replacements.get(session) === replaced) replacements.delete(session);
    }
  }

  /** @internal Resolves when no login or regenerate with this object is under way. */
  static async replacement(session: SessionRef): Promise<void> {
    await replacements.get(session)?.catch(() => {});
  }

  /** @internal From now on it reads and writes data by `source`. */
  readDataFrom(source: SessionDataSource): void {
    this.#source = source;
    this.#data = null;
  }

  /** @internal From now on `carrier` sends new tokens to the client. */
  carryTokensBy(carrier: TokenCarrier): void {
    this.#carrier = carrier;
  }

  /** @internal For stores to compare; `null`, which they do not compare, for a reference by id alone. */
  static authorityOf(session: SessionRef): Authority | null {
    const { authority } = session as SessionRef & { readonly authority?: unknown };
    return typeof authority === 'string' ? authority : null;
  }

  /** @internal `null` unless `session` is the object that a request was given. */
  static carrierOf(session: SessionRef): TokenCarrier | null {
    return #carrier in session ? session.#carrier : null;
  }

  #view(): SessionDataView {
    if (this.#source === null) {
      throw new SessionsError(
        'INVALID_ARGUMENT',
        'This Session is not of a request or connection: use SessionService.get(session, key) and the like.',
      );
    }
    return (this.#data ??= this.#source.viewOf(this));
  }
}

/** A new token of a session. */
interface Followable {
  readonly authority: Authority;
  readonly keptAuthorities: readonly Authority[];
}

/** Refers to a session: the session itself, or an object with its public id. */
export type SessionRef = Pick<Session, 'id'>;

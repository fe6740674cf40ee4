import type { Records } from './database.ts';
import { readJournal, type Entry } from './journal.ts';

/** Of a session: the values that it may have. The last one that was acknowledged, and what was asked for since. */
export interface KnownSession {
  readonly tokens: Set<string>;
  readonly users: Set<string>;
  mayEnd: boolean;
}

/** Whom a session belongs to that was bound to nobody. */
export const NOBODY = '';

export interface KnownFile {
  readonly sessionId: string;
  readonly seed: string;
  readonly sizeBytes: number;
  settled: boolean;
  mayGo: boolean;
}

/** A file on its way out, by its new path. */
export interface KnownClaim {
  readonly resourceId: string;
  /** It has its path. */
  isPlaced: boolean;
}

/** What a store and a storage have to hold, told by the journal of the processes that used them. */
export class Ledger {
  readonly sessions = new Map<string, KnownSession>();
  readonly files = new Map<string, KnownFile>();
  readonly ended = new Set<string>();
  /** Paths of sources, by the resource that takes them over. */
  readonly sources = new Map<string, string>();
  readonly claims = new Map<string, KnownClaim>();
  /** Folders of dead sessions that were seen. */
  emptied: ReadonlySet<string> = new Set();
  /** Files that timelines have told to be evicted, and how many evictions were counted. */
  readonly evictions = new Set<string>();
  evicted = 0;
  readonly faults: string[] = [];
  readonly warnings: string[] = [];
  #read = 0;

  /** Takes in what was noted since the last time. */
  follow(journal: string): void {
    const { entries, end } = readJournal(journal, this.#read);
    this.#read = end;
    for (const entry of entries) this.#take(entry);
  }

  /** The same knowledge, to go on in another way; it begins another journal. */
  fork(): Ledger {
    const copy = new Ledger();
    for (const [id, { tokens, users, mayEnd }] of this.sessions) {
      copy.sessions.set(id, { tokens: new Set(tokens), users: new Set(users), mayEnd });
    }
    for (const [id, file] of this.files) copy.files.set(id, { ...file });
    for (const id of this.ended) copy.ended.add(id);
    for (const [id, path] of this.sources) copy.sources.set(id, path);
    for (const [path, claim] of this.claims) copy.claims.set(path, { ...claim });
    for (const id of this.evictions) copy.evictions.add(id);
    copy.evicted = this.evicted;
    return copy;
  }

  /** Takes what is there now for what has to be there from now on: those who were about to undo it are dead. */
  settleFor({ sessions, resources }: Pick<Records, 'sessions' | 'resources'>): void {
    const rows = new Map(sessions.map((row) => [row.id, row]));
    for (const id of this.ended) if (!rows.has(id)) this.ended.delete(id);
    for (const id of this.sessions.keys()) if (rows.get(id)?.state !== 'open') this.sessions.delete(id);
    for (const { id, state, token, userId } of sessions) {
      if (state !== 'open') continue;
      const users = new Set([userId ?? NOBODY]);
      this.sessions.set(id, { tokens: new Set([token]), users, mayEnd: false });
    }
    const ready = new Set(resources.filter(({ state }) => state === 'ready').map(({ id }) => id));
    this.sources.clear();
    this.claims.clear();
    for (const [id, file] of this.files) {
      if (!ready.has(id)) this.files.delete(id);
      else Object.assign(file, { settled: true, mayGo: false });
    }
  }

  /** Somebody is about to end it. It may be told before the opening is: by whoever needed the place. */
  mayEnd(id: string): void {
    const session = this.sessions.get(id);
    if (session) session.mayEnd = true;
    else this.sessions.set(id, { tokens: new Set(), users: new Set(), mayEnd: true });
  }

  #take([word, ...details]: Entry): void {
    const [id = '', second = '', third = '', fourth = 0] = details;
    const key = String(id);
    const value = String(second);
    const session = this.sessions.get(key);
    switch (word) {
      case 'opened':
        this.sessions.set(key, {
          tokens: new Set([value]),
          users: new Set([NOBODY]),
          mayEnd: session?.mayEnd ?? false,
        });
        break;
      case 'may-end':
        this.mayEnd(key);
        break;
      case 'ended':
        this.ended.add(key);
        break;
      case 'may-regenerate':
        session?.tokens.add(value);
        break;
      case 'regenerated':
        if (session) dropBefore(session.tokens, value);
        break;
      case 'may-log-in':
        session?.tokens.add(value);
        session?.users.add(String(third));
        break;
      case 'logged-in':
        if (!session) break;
        dropBefore(session.tokens, value);
        dropBefore(session.users, String(third));
        break;
      case 'settling':
        this.files.set(value, {
          sessionId: key,
          seed: String(third),
          sizeBytes: Number(fourth),
          settled: false,
          mayGo: false,
        });
        break;
      case 'settled':
        this.#update(value, { settled: true });
        break;
      case 'adopting':
        this.sources.set(key, value);
        break;
      case 'claiming':
        this.claims.set(value, { resourceId: key, isPlaced: false });
        break;
      case 'claim-placed':
      case 'claimed':
        this.claims.set(value, { resourceId: key, isPlaced: true });
        break;
      case 'may-go':
        for (const resource of details) this.#update(String(resource), { mayGo: true });
        break;
      case 'fault':
        this.faults.push(key);
        break;
      case 'warning':
        this.warnings.push(key);
        break;
      default:
        throw new Error(`There is no such entry: ${word}`);
    }
  }

  #update(resource: string, change: Partial<Pick<KnownFile, 'settled' | 'mayGo'>>): void {
    const file = this.files.get(resource);
    if (file) Object.assign(file, change);
  }
}

/** Whatever was asked for before what was acknowledged is overwritten for good. */
function dropBefore(values: Set<string>, acknowledged: string): void {
  // It may be overwritten itself by now, if the later one was acknowledged first.
  if (!values.has(acknowledged)) return;
  for (const value of values) {
    if (value === acknowledged) return;
    values.delete(value);
  }
}

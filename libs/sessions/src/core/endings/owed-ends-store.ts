import type { ResourceRecord } from '../../domain/resource.js';
import type { SessionRecord } from '../../domain/session.js';
import type { SessionSlice, SessionStore, TokenMatch } from '../../ports/store/session-store.js';
import type { Operation, OperationName } from '../../ports/store/store-groups.js';
import { WrappedStore } from '../../ports/store/wrapped-store.js';
import type { OwedEnds } from '../watch/owed-ends.js';

/** The store as a process sees it that owes it ends: those sessions are over, and nothing is written to them. */
export class OwedEndsStore extends WrappedStore {
  constructor(store: SessionStore, owed: OwedEnds) {
    const views = viewsOf(owed);
    super(store, (operation, name) => {
      const view = views[name];
      if (view === undefined) return operation;
      return (...args) => (owed.size === 0 ? operation(...args) : view(operation, args));
    });
  }
}

type View = (operation: Operation, args: unknown[]) => Promise<unknown>;

function viewsOf(owed: OwedEnds): Partial<Record<OperationName, View>> {
  const isOwed = (sessionId: unknown): boolean =>
    typeof sessionId === 'string' && owed.reasonOf(sessionId) !== undefined;

  const asOver = (record: SessionRecord): SessionRecord => {
    const endReason = owed.reasonOf(record.id);
    return endReason === undefined || record.state !== 'open'
      ? record
      : { ...record, state: 'ending', endReason };
  };

  /** For a write to the session of this id, or to that of a new resource. */
  const goneIfOwed: View = async (operation, args) => {
    const [first] = args;
    const sessionId = typeof first === 'string' ? first : (first as ResourceRecord).sessionId;
    return isOwed(sessionId) ? 'gone' : operation(...args);
  };

  const nullIfOwed: View = async (operation, args) => {
    const resource = (await operation(...args)) as Partial<ResourceRecord> | null;
    return isOwed(resource?.sessionId) ? null : resource;
  };

  return {
    'sessions.find': async (operation, args) => {
      const record = (await operation(...args)) as SessionRecord | null;
      return record && asOver(record);
    },
    'sessions.findByToken': async (operation, args) => {
      const match = (await operation(...args)) as TokenMatch | null;
      return match && { ...match, session: asOver(match.session) };
    },
    'sessions.list': async (operation, args) => {
      const { sessions, next } = (await operation(...args)) as SessionSlice;
      return { sessions: sessions.filter(({ id }) => !isOwed(id)), next };
    },
    'sessions.login': goneIfOwed,
    'sessions.regenerate': goneIfOwed,
    'sessions.learnAddress': goneIfOwed,
    'data.read': async (operation, args) => (isOwed(args[0]) ? null : operation(...args)),
    'data.write': goneIfOwed,
    'resources.reserve': goneIfOwed,
    'resources.find': nullIfOwed,
    'resources.use': nullIfOwed,
    'resources.findOf': nullIfOwed,
    'resources.complete': async (operation, args) => (await nullIfOwed(operation, args)) ?? 'gone',
    'resources.place': goneIfOwed,
  };
}

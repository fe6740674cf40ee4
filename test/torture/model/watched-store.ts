import { isDeepStrictEqual } from 'node:util';
import type { SessionRecord } from '../../../libs/sessions/dist/domain/session.js';
import type { FileStorage, FileWriter } from '../../../libs/sessions/dist/ports/storage/file-storage.js';
import type { SessionStore } from '../../../libs/sessions/dist/ports/store/session-store.js';
import { WrappedStore } from '../../../libs/sessions/dist/ports/store/wrapped-store.js';

/** Resolves when the scheduler says so. */
export type Turn = (what: string) => Promise<void>;

/** Who looks at what becomes of one session. */
export interface Watcher {
  readonly turn: Turn;
  readonly sessionId: string;
  concerns(args: readonly unknown[]): boolean;
  /** Called in the instant of its end. */
  ended(reason: string): void;
  fault(what: string): void;
}

/** What no call may be told of a session that is over. */
const FORBIDDEN: Readonly<Record<string, (answer: unknown) => boolean>> = {
  'sessions.open': () => false,
  'sessions.login': (answer) => answer === 'done',
  'sessions.regenerate': (answer) => answer === 'done',
  'resources.reserve': (answer) => answer === 'reserved',
  'resources.grow': (answer) => answer === 'grown',
  'resources.noteStall': (answer) => answer === true,
  'resources.complete': (answer) => answer !== 'gone' && answer !== 'stale',
  'resources.place': (answer) => answer !== 'gone' && answer !== 'stale',
  'resources.use': (answer) => answer !== null && answer !== 'stale',
  'endings.beginEnd': (answer) => answer !== null,
};

/**
 * A store whose every call waits for its turn twice: before it is carried out, and before its answer arrives. Each call
 * is watched: what it does to this one session once that is over is told.
 */
export function watchedStore(store: SessionStore, whoWatches: () => Watcher): SessionStore {
  return new WrappedStore(store, (operation, name) => async (...args) => {
    const watcher = whoWatches();
    await watcher.turn(name);
    const id = watcher.sessionId;
    // All three are carried out in this very instant: nothing comes between them.
    const [before, answer, after] = [store.sessions.find(id), operation(...args), store.sessions.find(id)];
    if (name === 'endings.beginEnd' && args[0] === id)
      void answer.then(
        (record) => isEnding(record) && watcher.ended(record.endReason),
        () => {},
      );
    const outcome = await Promise.allSettled([before, answer, after]);
    const [was, told, is] = outcome;
    if (was.status === 'fulfilled' && is.status === 'fulfilled' && told.status === 'fulfilled') {
      const fault = faultOf(name, was.value, watcher.concerns(args) ? told.value : null, is.value);
      if (fault) watcher.fault(fault);
    }
    await watcher.turn(`${name} answered`);
    return answer;
  });
}

/** Writers too wait for their turn. */
export function slowStorage(storage: FileStorage, whoWatches: () => Watcher): FileStorage {
  return intercepted(storage, async (name, _args, call) => {
    const { turn } = whoWatches();
    await turn(name);
    const answer = await call();
    return name === 'create' ? slowWriter(answer as FileWriter, whoWatches) : answer;
  });
}

function slowWriter(writer: FileWriter, whoWatches: () => Watcher): FileWriter {
  return intercepted(writer, async (name, _args, call) => {
    await whoWatches().turn(`writer ${name}`);
    return call();
  });
}

function faultOf(
  name: string,
  was: SessionRecord | null,
  answer: unknown,
  is: SessionRecord | null,
): string | null {
  if (was === null || was.state === 'open') return null;
  if (is?.state === 'open') return `${name} brought the session back`;
  if (answer !== null && FORBIDDEN[name]?.(answer)) return `${name} was let into the ended session`;
  if (is === null || isDeepStrictEqual(lasting(was), lasting(is))) return null;
  return `${name} changed the ended session: ${JSON.stringify(lasting(was))} became ${JSON.stringify(lasting(is))}`;
}

function isEnding(record: unknown): record is { endReason: string } {
  return typeof record === 'object' && record !== null && 'endReason' in record;
}

/** What never changes any more once a session is over: the user goes with its last part. */
function lasting(record: SessionRecord): unknown {
  const { tokenHash, endReason, lastActivityAt, requestCount, confirmed } = record;
  return { tokenHash, endReason, lastActivityAt, requestCount, confirmed };
}

type Around = (name: string, args: readonly unknown[], call: () => Promise<unknown>) => Promise<unknown>;

const AS_IT_IS = new Set(['constructor', 'connect', 'close', 'scan']);

function intercepted<T extends object>(target: T, around: Around): T {
  return new Proxy(target, {
    get(_target, name) {
      const found: unknown = Reflect.get(target, name, target);
      if (typeof found !== 'function') return found;
      const method = (...args: unknown[]): Promise<unknown> => Reflect.apply(found, target, args);
      if (typeof name !== 'string' || AS_IT_IS.has(name)) return method;
      return (...args: unknown[]) => around(name, args, async () => method(...args));
    },
  });
}

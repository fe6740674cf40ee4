import type { Adoption, FileKey, FileStorage, FileWriter } from '#sessions/ports/storage/file-storage';
import type { Claim, Claims } from '#sessions/ports/storage/ways-out';
import type { NewLogin, NewToken, Placement, SessionStore } from '#sessions/ports/store/session-store';
import type { StorageRoot } from '#sessions/ports/storage/storage-root';
import { WrappedStore } from '#sessions/ports/store/wrapped-store';
import { statSync } from 'node:fs';
import { basename } from 'node:path';
import { around } from './crash-hooks.ts';
import type { Journal } from './journal.ts';

type Watch = (method: string, args: readonly unknown[]) => void;
type Outcome = (method: string, result: unknown, args: readonly unknown[]) => unknown;

/** The store, with a crash point before and after each call, and a note before each that lets something go. */
export function watchStore(store: SessionStore, journal: Journal): SessionStore {
  return new WrappedStore(store, (operation, name) => (...args) => {
    if (name === 'endings.beginEnd') journal.note('may-end', String(args[0]));
    if (name === 'sessions.regenerate') {
      journal.note('may-regenerate', String(args[0]), (args[2] as NewToken).tokenHash);
    }
    if (name === 'sessions.login') {
      const { tokenHash, userId } = args[2] as NewLogin;
      journal.note('may-log-in', String(args[0]), tokenHash, userId);
    }
    if (name === 'releases.beginRelease') {
      journal.note('may-go', ...(args[0] as readonly string[]));
    }
    if (name === 'resources.place') {
      journal.note('may-go', ...(args[0] as Placement).candidates.map(({ id }) => id));
    }
    return around(`store.${name}`, () => operation(...args));
  });
}

/** The storage, with a crash point before and after each call: of its writers and adoptions too. */
export function watchStorage(storage: FileStorage, journal: Journal): FileStorage {
  return watched(
    'storage',
    storage,
    (method, args) => {
      if (method !== 'adopt') return;
      const [{ sessionId, resourceId }, path] = args as [FileKey, string];
      const { size } = statSync(path);
      journal.note('settling', sessionId, resourceId, basename(path), size);
      journal.note('adopting', resourceId, path);
    },
    (method, result) => {
      if (method === 'create') return watched('writer', result as FileWriter);
      if (method === 'adopt') return watched('adoption', result as Adoption);
      return result;
    },
  );
}

/** The storage root, likewise, and its claims. */
export function watchRoot(root: StorageRoot, journal: Journal): StorageRoot {
  const claims = (): Claims =>
    watched('claims', root.claims, undefined, (method, result, args) =>
      method === 'prepare'
        ? watchClaim(result as Claim, args as Parameters<Claims['prepare']>, journal)
        : result,
    );
  return new Proxy(watched('storageRoot', root), {
    get: (target, key) => (key === 'claims' ? claims() : (Reflect.get(target, key) as unknown)),
  });
}

/** Notes that the file has its path: from then on it must never be lost. */
function watchClaim(
  claim: Claim,
  [, { resourceId }, path]: Parameters<Claims['prepare']>,
  journal: Journal,
): Claim {
  return watched('claim', claim, undefined, (method, result) => {
    if (method === 'place') journal.note('claim-placed', resourceId, path);
    return result;
  });
}

function watched<Port extends object>(
  name: string,
  port: Port,
  before: Watch = () => {},
  after: Outcome = (_method, result) => result,
): Port {
  return new Proxy(port, {
    get(target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function' || typeof key !== 'string') return value;
      return (...args: unknown[]) => {
        before(key, args);
        const result = around(`${name}.${key}`, (): unknown => Reflect.apply(value, target, args));
        return result instanceof Promise
          ? result.then((answer) => after(key, answer, args))
          : after(key, result, args);
      };
    },
  });
}

import type { FileStorage } from '#sessions/ports/storage/file-storage';
import type { StorageRoot } from '#sessions/ports/storage/storage-root';
import type { SessionStore } from '#sessions/ports/store/session-store';
import { WrappedStore } from '#sessions/ports/store/wrapped-store';

/** What happens at one stop. */
export interface Deed {
  readonly at: number;
  readonly run: () => Promise<unknown>;
}

/**
 * Stops at every call of store and storage, before and after it, and lets deeds happen exactly there. A deed's own calls make no
 * stop.
 */
export class Stops {
  /** The stops since the start, in their order. */
  readonly names: string[] = [];
  /** Writes that the storage was told after the act was cut off, those of deeds aside. */
  writtenAfter = 0;
  private deeds: readonly Deed[] | null = null;
  private underWay: Promise<void> = Promise.resolve();
  /** Counts the starts and finishes: a deed that outlasts its act arms no later one. */
  private running = 0;
  private isCutOff: () => boolean = () => false;

  start(deeds: readonly Deed[], isCutOff: () => boolean): void {
    this.names.length = 0;
    this.writtenAfter = 0;
    this.deeds = deeds;
    this.isCutOff = isCutOff;
  }

  /** Makes no more stops; resolves when a deed under way is done. */
  async finish(): Promise<void> {
    this.deeds = null;
    this.running += 1;
    await this.underWay;
  }

  async around<Answer>(name: string, call: () => Promise<Answer>): Promise<Answer> {
    await this.stop(`before ${name}`);
    const answer = await call();
    await this.stop(`after ${name}`);
    return answer;
  }

  private async stop(name: string): Promise<void> {
    const { deeds } = this;
    if (!deeds) return;
    const here = this.names.push(name) - 1;
    const due = deeds.filter(({ at }) => at === here);
    if (due.length === 0) return;
    const { running } = this;
    this.deeds = null;
    this.underWay = (async () => {
      for (const deed of due) await deed.run();
    })();
    await this.underWay;
    // Another operation may have gone on meanwhile, without stops.
    if (running === this.running) this.deeds = deeds;
  }

  noteWrite(): void {
    if (this.deeds && this.isCutOff()) this.writtenAfter += 1;
  }
}

export function stoppingStore(store: SessionStore, stops: Stops): SessionStore {
  return new WrappedStore(
    store,
    (operation, name) =>
      (...args) =>
        name === 'feed.read' ? operation(...args) : stops.around(name, () => operation(...args)),
  );
}

const PLAIN = new Set(['connect', 'close', 'scan']);
const PARTS: Readonly<Record<string, string>> = {
  create: 'writer',
  adopt: 'adoption',
  prepare: 'claim',
  lend: 'lent',
};
/** What a client's work writes: into a session, or out of it. */
const WRITES = new Set(['writer.write', 'claim.place']);

/** The storage, its writers and its adoptions. */
export function stoppingStorage(storage: FileStorage, stops: Stops): FileStorage {
  return stopping('storage', storage, stops);
}

/** The storage root's ways out. Whatever else it does makes no stop. */
export function stoppingRoot(root: StorageRoot, stops: Stops): StorageRoot {
  return new Proxy(root, {
    get(_target, key) {
      if (key === 'claims' || key === 'lentFiles') return stopping<object>(key, root[key], stops);
      const value: unknown = Reflect.get(root, key, root);
      return typeof value === 'function' ? (value.bind(root) as unknown) : value;
    },
  });
}

function stopping<Port extends object>(port: string, target: Port, stops: Stops): Port {
  return new Proxy(target, {
    get(_target, key) {
      const value: unknown = Reflect.get(target, key, target);
      if (typeof value !== 'function' || typeof key !== 'string') return value;
      const call = value as (...args: unknown[]) => Promise<unknown>;
      if (PLAIN.has(key)) return call.bind(target);
      return (...args: unknown[]) => {
        if (WRITES.has(`${port}.${key}`)) stops.noteWrite();
        return stops.around(`${port}.${key}`, async () => {
          const answer = await call.apply(target, args);
          const part = PARTS[key];
          return part === undefined || answer === null ? answer : stopping(part, answer as object, stops);
        });
      };
    },
  });
}

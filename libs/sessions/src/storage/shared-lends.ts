import type { BigIntStats } from 'node:fs';
import { lutimes } from 'node:fs/promises';

const PAST_MS = 2000;

/** How the paths of one file are made that are lent at one time. */
export interface LentPaths {
  /** Makes a path to the bytes of the file, which nobody can reach by another one that is not lent; `null` if there is no such file. */
  first(): Promise<string | null>;
  /** A further path to the bytes at `path`; `path` itself where the system has no links, `null` if it is missing. */
  another(path: string): Promise<string | null>;
  find(path: string): Promise<BigIntStats | null>;
  /** Repeating it does nothing. */
  remove(path: string): Promise<void>;
}

export interface SharedLend {
  readonly path: string;
  takeBack(): Promise<void>;
}

/** What is lent of one file. */
interface Lent {
  readonly bytes: BigIntStats;
  /** How many have each path: one, where the system has links. */
  readonly paths: Map<string, number>;
}

/**
 * Lends of a file to several at a time one copy, under a path for each: however many borrow it, it takes its size once. Bytes that a
 * borrower has changed are lent to nobody else.
 */
export class SharedLends {
  private readonly lent = new Map<string, Lent>();
  /** The last step with each file. */
  private readonly turns = new Map<string, Promise<unknown>>();

  /** `id`: the same for those who may share. `null` if there is no such file. */
  lend(id: string, make: LentPaths): Promise<SharedLend | null> {
    return this.inTurn(id, async () => {
      const known = this.lent.get(id);
      const joined = known && (await join(known, make));
      if (known && joined !== undefined) return this.lendOut(id, known, joined, make);
      const path = await make.first();
      if (path === null) return null;
      const bytes = await found(path, make);
      if (bytes === null) return null;
      const lent = { bytes, paths: new Map<string, number>() };
      this.lent.set(id, lent);
      return this.lendOut(id, lent, path, make);
    });
  }

  private lendOut(id: string, lent: Lent, path: string, make: LentPaths): SharedLend {
    lent.paths.set(path, (lent.paths.get(path) ?? 0) + 1);
    let isBack = false;
    const takeBack = (): Promise<void> =>
      this.inTurn(id, async () => {
        if (isBack) return;
        const others = (lent.paths.get(path) ?? 1) - 1;
        if (others === 0) await make.remove(path);
        isBack = true;
        if (others > 0) lent.paths.set(path, others);
        else lent.paths.delete(path);
        if (lent.paths.size === 0 && this.lent.get(id) === lent) this.lent.delete(id);
      });
    return { path, takeBack };
  }

  /** One step with a file at a time: nobody takes back the path that another is about to share. */
  private inTurn<T>(id: string, step: () => Promise<T>): Promise<T> {
    const before = this.turns.get(id);
    const turn = before === undefined ? step() : before.then(step, step);
    this.turns.set(id, turn);
    const leave = (): void => {
      if (this.turns.get(id) === turn) this.turns.delete(id);
    };
    turn.then(leave, leave);
    return turn;
  }
}

/** A path to what is lent; `undefined` if none of its paths leads there any more, or the bytes have changed. */
async function join({ bytes, paths }: Lent, make: LentPaths): Promise<string | undefined> {
  for (const path of paths.keys()) {
    const joined = await make.another(path);
    if (joined === null) continue;
    const there = await found(joined, make);
    if (there && isSame(there, bytes)) return joined;
    if (joined !== path) await make.remove(joined);
  }
  return undefined;
}

/** Leaves no path behind that it cannot answer for. */
async function found(path: string, make: LentPaths): Promise<BigIntStats | null> {
  try {
    return await make.find(path);
  } catch (error) {
    await make.remove(path);
    throw error;
  }
}

function isSame(one: BigIntStats, other: BigIntStats): boolean {
  const isSameFile = one.dev === other.dev && one.ino === other.ino;
  return isSameFile && one.size === other.size && one.mtimeNs === other.mtimeNs && one.mode === other.mode;
}

/** Lets every later change of a copy show in its times: the clocks of file systems tick so slowly that an early one might not. */
export async function backdate(path: string): Promise<void> {
  const past = new Date(Date.now() - PAST_MS);
  await lutimes(path, past, past);
}

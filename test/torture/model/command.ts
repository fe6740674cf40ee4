import { deepStrictEqual } from 'node:assert/strict';
import type * as fc from 'fast-check';
import type { SessionStore } from '../../../libs/sessions/dist/ports/store/session-store.js';
import type { World } from './hands.ts';
import { compare } from './comparison.ts';
import type { Pair } from './pair.ts';

/** However busy the machine is. */
const SETTLED_WITHIN_MS = 60_000;

/** One command, told so that a failing run can be read: what it needs, and what it does to both worlds. */
export class Command implements fc.AsyncCommand<World, Pair> {
  private readonly text: string;
  private readonly isPossible: (world: World) => boolean;
  private readonly work: (world: World, pair: Pair) => Promise<void>;

  constructor(
    name: string,
    args: readonly unknown[],
    isPossible: (world: World) => boolean,
    work: (world: World, pair: Pair) => Promise<void>,
  ) {
    this.text = `${name}(${args.map((arg) => JSON.stringify(arg)).join(', ')})`;
    this.isPossible = isPossible;
    this.work = work;
  }

  check(world: Readonly<World>): boolean {
    return this.isPossible(world);
  }

  /** Runs it, and compares all that the store holds with the model. */
  async run(world: World, pair: Pair): Promise<void> {
    await this.work(world, pair);
    await compare(world, pair);
  }

  toString(): string {
    return this.text;
  }
}

/** What a call came to: its answer, or the code of what it rejects with. */
export async function outcomeOf<T>(call: Promise<T>): Promise<{ answer: T } | { rejected: string }> {
  try {
    return { answer: await call };
  } catch (error) {
    return { rejected: codeOf(error) };
  }
}

export function codeOf(error: unknown): string {
  if (error instanceof Error && 'code' in error) return String(error.code);
  return error instanceof Error ? (error.stack ?? error.message) : String(error);
}

export function same(actual: unknown, expected: unknown, what: string): void {
  try {
    deepStrictEqual(actual, expected);
  } catch {
    throw new Error(`${what}: ${JSON.stringify(actual)}, and not ${JSON.stringify(expected)}`);
  }
}

/** The end of a session deletes its files in the background. */
export function allDeleted({ ledger }: SessionStore): Promise<void> {
  return until(async () => (await ledger.totals()).ending === 0, 'the files of ended sessions are deleted');
}

/** Polls: some things are let go in the background, by what is under way. */
export async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const deadline = performance.now() + SETTLED_WITHIN_MS;
  while (!(await isSo())) {
    if (performance.now() > deadline) throw new Error(`After a minute still not: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}

import * as fc from 'fast-check';
import { allDeleted } from './command.ts';
import { World } from './hands.ts';
import type { Ground } from './grounds.ts';
import { JOURNAL_MS, Pair } from './pair.ts';
import { PlainModel } from './plain-model.ts';
import { reserve, resourceCommands } from './resource-commands.ts';
import { open, request, sessionCommands } from './session-commands.ts';
import { timeCommands } from './time-commands.ts';

const MAX_COMMANDS = 80;
/** Without timelines tombstones are dropped soon, which a sequence comes to see. */
const journals = fc.constantFrom('deeds' as const, 'off' as const);
/** So that there is something to work on at once. */
const beginning = [
  open(0, 0),
  open(1, 0),
  request(0, 1, 0, 0),
  request(1, 5, 0, 0),
  reserve(0, 1),
  reserve(1, 5),
];

/** What all sequences together came to. */
export interface Done {
  readonly commands: number;
  readonly ends: number;
  readonly evictions: number;
}

export interface Outcome {
  readonly done: Done;
  /** What differs, shrunk as far as it goes, or `null`. */
  readonly divergence: string | null;
}

/** Runs so many sequences of commands on both worlds. */
export async function runSequences(ground: Ground, numRuns: number, seed: number): Promise<Outcome> {
  const done = { commands: 0, ends: 0, evictions: 0 };
  const sequences = fc.commands([...sessionCommands, ...resourceCommands, ...timeCommands], {
    maxCommands: MAX_COMMANDS,
    size: 'max',
  });
  const property = fc.asyncProperty(sequences, journals, async (sequence, journal) => {
    const pair = await Pair.create(ground, journal);
    const { keepsBudgets } = pair.cores[0].store;
    const world = new World(new PlainModel(pair.clock.now(), keepsBudgets, JOURNAL_MS[journal]));
    try {
      for (const command of beginning) await command.run(world, pair);
      await fc.asyncModelRun(() => ({ model: world, real: pair }), sequence);
      await assertNothingLeft(world, pair);
    } finally {
      done.commands += [...sequence].length;
      for (const ended of Object.values(world.model.ended)) done.ends += ended;
      for (const { evicted } of world.model.gone.values()) done.evictions += evicted;
      await pair.close();
    }
  });
  const details = await fc.check(property, {
    numRuns,
    seed,
    endOnFailure: false,
    markInterruptAsFailure: true,
  });
  return { done, divergence: tell(details) };
}

/** What broke the property, and how to see it again: error, seed, path and the smallest counterexample. */
export function tell<Drawn>(details: fc.RunDetails<Drawn>): string | null {
  if (!details.failed) return null;
  const { errorInstance } = details;
  const error = errorInstance instanceof Error ? errorInstance.message : String(errorInstance);
  return `${error}\n${fc.defaultReportMessage(details) ?? ''}`;
}

/** When all sessions have ended and what was in hand is put away, neither a record nor a file is left. */
async function assertNothingLeft(
  { model, uploads, downloads, sessions, streams }: World,
  pair: Pair,
): Promise<void> {
  for (const session of model.open) await pair.cores[0].service.end(session);
  await Promise.all(pair.cores.map((core) => core.feed.read()));
  await Promise.all(streams.map(({ tracked }) => tracked.release()));
  for (const { opened } of downloads) opened.stream.destroy();
  for (const { sink, closed } of uploads) {
    sink.destroy();
    await closed;
  }
  const { store, storage } = pair.cores[0];
  await allDeleted(store);
  const records = await store.resources.list(sessions.map(({ plain }) => plain.id));
  if (records.length > 0) throw new Error(`${records.length} records of resources are left`);
  for await (const { unknown } of storage.scan((sessionIds) => store.resources.known(sessionIds))) {
    const [file] = unknown;
    if (file) throw new Error(`${unknown.length} files are left, one of them of session ${file.sessionId}`);
  }
}

import { COMMAND_POINTS, CRASH_POINTS, type CommandPoint, type CrashPoint } from './crash-points.ts';

export type Job =
  | { readonly kind: 'random' }
  | { readonly kind: 'point'; readonly point: CrashPoint; readonly attempt: number }
  /** A command is killed: at this point, or at random. */
  | { readonly kind: 'command'; readonly point: CommandPoint | null };

/** With so many kills at random, every crash point is met once. */
const RANDOM_PER_ROUND = 500;
/** And one command is killed for so many servers. */
const RANDOM_PER_COMMAND = 30;

/** So many kills at random, and the share of kills at crash points and of commands that belongs to them; in no order. */
export function planJobs(count: number, random: () => number): Job[] {
  const rounds = count / RANDOM_PER_ROUND;
  const points = Array.from({ length: Math.ceil(rounds) }, () => shuffled(CRASH_POINTS, random)).flat();
  const commands = shuffled([...COMMAND_POINTS, ...COMMAND_POINTS.map(() => null)], random);
  return shuffled<Job>(
    [
      ...Array.from({ length: count }, () => ({ kind: 'random' }) as const),
      ...points
        .slice(0, Math.ceil(rounds * CRASH_POINTS.length))
        .map((point) => ({ kind: 'point', point, attempt: 1 }) as const),
      ...Array.from({ length: Math.ceil(count / RANDOM_PER_COMMAND) }, (_, index) => {
        return { kind: 'command', point: commands[index % commands.length] ?? null } as const;
      }),
    ],
    random,
  );
}

function shuffled<T>(items: readonly T[], random: () => number): T[] {
  return items
    .map((item) => ({ item, place: random() }))
    .toSorted((a, b) => a.place - b.place)
    .map(({ item }) => item);
}

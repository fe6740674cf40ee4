import type { CompletedCommand, Completions } from './command-tree.js';

/** How a shell says things. */
export interface ShellWords {
  /** Offers these words. */
  readonly offer: (words: readonly string[]) => string;
  readonly offerFiles: string;
  /** Begins a branch of `case`. */
  readonly branch: (patterns: readonly string[]) => string;
}

/** Branches of a `case` over the commands that were typed: the word that leads on to a further one. */
export function pathBranch(tree: readonly CompletedCommand[], { branch }: ShellWords): string {
  return branch(tree.map(({ path }) => path).filter((path) => path !== ''));
}

/** Branches of a `case` over path and flag: what may follow the flag. */
export function valueBranches(tree: readonly CompletedCommand[], shell: ShellWords): string {
  const all = tree.flatMap(({ path, values }) =>
    [...values].map(([flag, completions]) => ({ at: `${path} ${flag}`, completions })),
  );
  // Many flags have the same values: one branch for them.
  const alike = Map.groupBy(all, ({ completions }) => JSON.stringify(completions));
  return [...alike.values()]
    .map((group) => {
      const offer = offered(group[0]?.completions ?? null, shell);
      return `    ${shell.branch(group.map(({ at }) => at))} ${offer}return ;;`;
    })
    .join('\n');
}

/** Branches of a `case` over the path: what its next word may be. `dashed`: after a dash. */
export function wordBranches(
  tree: readonly CompletedCommand[],
  shell: ShellWords,
  wordsOf: (command: CompletedCommand) => Completions,
): string {
  const known = tree.map((command) => ({ path: command.path, words: wordsOf(command) }));
  const alike = Map.groupBy(known, ({ words }) => JSON.stringify(words));
  return [...alike.values()]
    .map((group) => {
      const offer = offered(group[0]?.words ?? null, shell);
      return `    ${shell.branch(group.map(({ path }) => path))} ${offer};;`;
    })
    .join('\n');
}

/** Commands before flags: of a command that has both, the flags come after a dash. */
export function firstWords({ commands, arguments: args }: CompletedCommand): Completions {
  if (commands.length > 0) return commands;
  return args;
}

/** A name of the program as shells allow it for functions. */
export function functionName(program: string): string {
  return `_${program.replaceAll(/\W/g, '_')}`;
}

function offered(completions: Completions, { offer, offerFiles }: ShellWords): string {
  if (completions === null || completions.length === 0) return '';
  return `${completions === 'file' ? offerFiles : offer(completions)}; `;
}

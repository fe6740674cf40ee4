import { flagOf } from '../running/command-declaration.js';
import { programOf, type Command } from '../running/command-line.js';

/** What may follow a flag, or stand for an argument: these values, a file, or what nobody can list. */
export type Completions = readonly string[] | 'file' | null;

/** One command, for a completion script. */
export interface CompletedCommand {
  /** Its words after the program, each after a space: ` sessions list`; empty for the program itself. */
  readonly path: string;
  /** Sub-commands. */
  readonly commands: readonly string[];
  readonly flags: readonly string[];
  /** By flag that requires a value. */
  readonly values: ReadonlyMap<string, Completions>;
  readonly arguments: Completions;
}

/** Names that no shell changes; others are not completed. */
const PLAIN = /^[\w.:@%+-]+$/;
/** What help calls the value where it is a file. */
const FILES = new Set(['file', 'source']);

/** All commands of the program, as it was built: also those of an application. */
export function commandTree(command: Command): readonly CompletedCommand[] {
  return walk(programOf(command), '');
}

function walk(command: Command, path: string): CompletedCommand[] {
  const subCommands = command.commands.filter((one) => PLAIN.test(one.name()));
  const options = command.options.filter(({ long }) => long !== undefined && long !== null);
  const longOf = ({ long }: (typeof options)[number]): string => long ?? '';
  const takesValue = options.filter(({ required }) => required);
  const [argument] = command.registeredArguments;
  const own: CompletedCommand = {
    path,
    commands: subCommands.map((one) => one.name()),
    flags: [...options.map(longOf), flagOf('help')].filter((flag, index, all) => all.indexOf(flag) === index),
    values: new Map(
      takesValue.map((option) => [
        longOf(option),
        completionsOf(option.argChoices, /[<[]([^>\].]+)/.exec(option.flags)?.[1]),
      ]),
    ),
    arguments: argument ? completionsOf(argument.argChoices, argument.name()) : null,
  };
  return [own, ...subCommands.flatMap((one) => walk(one, `${path} ${one.name()}`))];
}

function completionsOf(choices: readonly string[] | undefined, name: string | undefined): Completions {
  if (choices && choices.length > 0) return choices.filter((choice) => PLAIN.test(choice));
  return name !== undefined && FILES.has(name) ? 'file' : null;
}

import type { CommandRunner } from 'nest-commander';
import { flagOf } from './command-declaration.js';

export type Command = Parameters<CommandRunner['setCommand']>[0];

/** Words that no shell changes. */
const PLAIN = /^[\w@%+:,./=-]+$/;

/** The program that a command is part of. */
export function programOf(command: Command): Command {
  return command.parent ? programOf(command.parent) : command;
}

/** What a user types to run the command: `nest-sessions list`. */
export function pathOf(command: Command): string {
  const names: string[] = [];
  for (let one: Command | null = command; one; one = one.parent) names.unshift(one.name());
  return names.join(' ');
}

/** The command line of a command with these arguments and options, in POSIX shells' quotes. Options that are `undefined` are left out. */
export function commandLine(
  command: Command,
  parameters: readonly string[],
  options: Readonly<Record<string, string | true | undefined>>,
): string {
  const words = Object.entries(options).flatMap(([name, value]) => {
    if (value === undefined) return [];
    if (value === true) return [flagOf(name)];
    // Commander takes a value that begins with a dash for an option, unless it is one word with its own.
    return /^(?:-|$)/.test(value) ? [`${flagOf(name)}=${quoted(value)}`] : [flagOf(name), quoted(value)];
  });
  return [pathOf(command), ...parameters.map(quoted), ...words].join(' ');
}

function quoted(text: string): string {
  return PLAIN.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

import type { Type } from '@nestjs/common';
import { Command, SubCommand, type CommandRunner } from 'nest-commander';
import type { CommandClass } from './sessions-command-runner.js';

type Decorator = typeof Command | typeof SubCommand;

/** A class of `name`: nest-commander requires one for each name, and tells classes apart by their own names. */
function named(Declared: CommandClass, name: string, className: string, decorate: Decorator) {
  abstract class NamedCommand extends Declared {}
  Object.defineProperty(NamedCommand, 'name', { value: className });
  // Abstract for the compiler alone: `Declared` is a whole class.
  const commandClass = NamedCommand as unknown as Type<CommandRunner>;
  decorate({ name, description: Declared.declaration.description })(commandClass);
  return commandClass;
}

/** `list` of `sessions list`. */
export function nestedCommand(Declared: CommandClass): Type<CommandRunner> {
  const { name } = Declared.declaration;
  return named(Declared, name, `sessions ${name}`, SubCommand);
}

/** `sessions-list`. */
export function flatCommand(Declared: CommandClass): Type<CommandRunner> {
  const name = `sessions-${Declared.declaration.name}`;
  return named(Declared, name, name, Command);
}

/** `list`, in the program of this package. */
export function ownCommand(Declared: CommandClass): Type<CommandRunner> {
  const { name } = Declared.declaration;
  return named(Declared, name, name, Command);
}

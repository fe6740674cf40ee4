import { Inject, Logger } from '@nestjs/common';
import { CommandRunner } from 'nest-commander';
import type { SessionsCore } from '../../core/core.js';
import { OperatorDeeds } from '../../operate/journal/operator-deeds.js';
import { commandOperator } from '../access/command-operator.js';
import { SessionsAccess } from '../access/sessions-access.js';
import { CommandFailure, EXIT } from '../output/command-failure.js';
import { Terminal } from '../output/terminal.js';
import {
  flagOf,
  flagsOf,
  type CommandDeclaration,
  type OptionDeclaration,
  type OptionDeclarations,
  type OptionsOf,
} from './command-declaration.js';
import { commandLine, pathOf, type Command } from './command-line.js';
import { Interruption } from './interruption.js';
import { gather, single } from './option-values.js';

/** The class of a command. It is declared once, and gets its names in `commands.ts`. */
export interface CommandClass {
  new (access: SessionsAccess, terminal: Terminal): SessionsCommandRunner;
  readonly declaration: CommandDeclaration;
}

type Given = Readonly<Record<string, string | true | undefined>>;

/** Converts commander's error to a failure: help exits with 0, everything else is a wrong command line. */
export function stopCommander(error: Error & { readonly code?: string; readonly exitCode?: number }): never {
  if (error.exitCode === 0) throw new CommandFailure(EXIT.done, '');
  process.exitCode = EXIT.usage;
  const isPrinted = error.code === 'commander.help';
  const message = error.message.replace(/^error: /, '').replaceAll(/\s+/g, ' ');
  throw new CommandFailure(EXIT.usage, isPrinted ? '' : message);
}

/**
 * A command. Its class has a static `declaration: CommandDeclaration`. A failure sets `process.exitCode`, then rejects with a
 * `CommandFailure`, so that every runner exits alike.
 */
export abstract class SessionsCommandRunner<
  Declared extends OptionDeclarations = OptionDeclarations,
> extends CommandRunner {
  constructor(
    @Inject(SessionsAccess) protected readonly access: SessionsAccess,
    @Inject(Terminal) protected readonly terminal: Terminal,
  ) {
    super();
  }

  protected abstract execute(
    parameters: readonly string[],
    options: OptionsOf<Declared>,
    signal: AbortSignal,
  ): Promise<void>;

  /** What the command changes goes by these, into the audit. */
  protected deedsOn(core: SessionsCore): OperatorDeeds {
    return new OperatorDeeds(core, { by: commandOperator(), network: null }, new Logger('SessionsAudit'));
  }

  /** Prints the command line of the next page: as this one, with another cursor. `null`: this was the last page. */
  protected noteMore(nextCursor: string | null): void {
    if (nextCursor === null) return;
    const options = { ...this.given(), cursor: undefined };
    const line = commandLine(this.command, this.command.args, options);
    this.terminal.note(`More: ${line} --cursor ${nextCursor}\n`);
  }

  override setCommand(command: Command): this {
    const { arguments: args = {}, options, example } = this.declaration;
    // Sub-commands do not inherit these settings from their program.
    command
      .exitOverride(stopCommander)
      .allowExcessArguments(false)
      .configureOutput({ outputError: () => {} })
      .configureHelp({
        optionDescription: ({ description, argChoices }) => describe(description, argChoices),
      });
    for (const [name, description] of Object.entries(args)) command.argument(name, description);
    for (const [name, option] of Object.entries(options)) addOption(command, name, option);
    command.addHelpText('after', () => `\nExample:\n  ${`${pathOf(command)} ${example}`.trimEnd()}`);
    return super.setCommand(command);
  }

  override async run(parameters: string[]): Promise<void> {
    const interruption = new Interruption();
    try {
      // Their values were made as they are declared.
      await this.execute(parameters, this.given() as OptionsOf<Declared>, interruption.signal);
      if (interruption.exitCode !== null) throw new CommandFailure(interruption.exitCode, 'interrupted');
    } catch (error) {
      const failure =
        interruption.exitCode === null
          ? CommandFailure.from(error)
          : new CommandFailure(interruption.exitCode, 'interrupted', { cause: error });
      process.exitCode = failure.exitCode;
      throw failure;
    } finally {
      interruption.stopListening();
    }
  }

  private get declaration(): CommandDeclaration {
    return (this.constructor as unknown as CommandClass).declaration;
  }

  private given(): Given {
    const parsed = Object.entries<string[] | true>(this.command.opts());
    return Object.fromEntries(
      parsed.map(([name, given]) => [name, given === true ? given : single(flagOf(name), given)]),
    );
  }
}

function addOption(command: Command, name: string, declared: OptionDeclaration): void {
  const option = command.createOption(flagsOf(name, declared), declared.description);
  if (declared.kind !== 'flag') {
    if (declared.values.length > 0) option.choices(declared.values);
    // Instead of the check of choices: commands report all faults at once.
    option.argParser(gather);
  }
  command.addOption(option);
}

function describe(description: string, choices: readonly string[] | undefined): string {
  return choices === undefined ? description : `${description}: ${choices.join(', ')}`;
}

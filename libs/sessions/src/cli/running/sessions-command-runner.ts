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
  type ArgumentDeclaration,
  type CommandDeclaration,
  type OptionDeclaration,
  type OptionDeclarations,
  type OptionsOf,
} from './command-declaration.js';
import { commandLine, pathOf, type Command } from './command-line.js';
import { Interruption } from './interruption.js';
import { gather, single } from './option-values.js';
import { refuseStream, type STREAM } from './stream.js';
import { repeat, watchPauseMs, type WATCH } from './watch.js';

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
    this.terminal.note(`More: ${this.lineWith({ cursor: nextCursor })}\n`);
  }

  /** This command line with other options, for a shell; those that are `undefined` are left out. */
  protected lineWith(options: Given): string {
    return commandLine(this.command, this.command.args, { ...this.given(), ...options });
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
        argumentDescription: ({ description, argChoices }) => describe(description, argChoices),
      });
    for (const [name, declared] of Object.entries(args)) addArgument(command, name, declared);
    for (const [name, option] of Object.entries(options)) addOption(command, name, option);
    command.addHelpText('after', () => `\nExample:\n  ${`${pathOf(command)} ${example}`.trimEnd()}`);
    return super.setCommand(command);
  }

  override async run(parameters: string[]): Promise<void> {
    const interruption = new Interruption();
    try {
      await this.perform(parameters, this.given(), interruption.signal);
      interruption.signal.throwIfAborted();
    } catch (error) {
      const failure =
        interruption.exitCode === null
          ? CommandFailure.from(error)
          : new CommandFailure(interruption.exitCode, this.isWatched ? '' : 'interrupted', { cause: error });
      process.exitCode = failure.exitCode;
      throw failure;
    } finally {
      interruption.stopListening();
    }
  }

  private async perform(parameters: readonly string[], given: Given, signal: AbortSignal): Promise<void> {
    // Their values were made as they are declared.
    const options = given as OptionsOf<Declared> & OptionsOf<typeof WATCH & typeof STREAM>;
    refuseStream(options);
    const show = (): Promise<void> => this.execute(parameters, options, signal);
    if (given['watch'] === undefined) return show();
    const pauseMs = watchPauseMs(options, this.terminal);
    const shown = commandLine(this.command, parameters, { ...given, watch: undefined });
    const draw = (): Promise<void> => this.terminal.drawFrame(`Every ${pauseMs / 1000} s: ${shown}`, show);
    await repeat(options.stream ? show : draw, pauseMs, this.terminal, signal);
  }

  /** Ctrl-C ends what is watched, and interrupts nothing. */
  private get isWatched(): boolean {
    return this.command.opts()['watch'] !== undefined;
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

function addArgument(command: Command, name: string, { description, values }: ArgumentDeclaration): void {
  const argument = command.createArgument(name, description);
  if (values.length > 0) argument.choices(values).argParser((value: string) => value);
  command.addArgument(argument);
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

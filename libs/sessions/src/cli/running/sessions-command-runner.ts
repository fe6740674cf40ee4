import { Inject, Logger } from '@nestjs/common';
import { CommandRunner } from 'nest-commander';
import type { SessionsCore } from '../../core/core.js';
import { OperatorDeeds } from '../../operate/journal/operator-deeds.js';
import { commandOperator } from '../access/command-operator.js';
import { CommandFailure, EXIT } from '../output/command-failure.js';
import { Interruption } from './interruption.js';
import { SessionsAccess } from '../access/sessions-access.js';
import { Terminal } from '../output/terminal.js';

type Command = Parameters<CommandRunner['setCommand']>[0];

/** Converts commander's error to a failure: help exits with 0, everything else is a wrong command line. */
export function stopCommander(error: Error & { readonly code?: string; readonly exitCode?: number }): never {
  if (error.exitCode === 0) throw new CommandFailure(EXIT.done, '');
  process.exitCode = EXIT.usage;
  const isPrinted = error.code === 'commander.help';
  const message = error.message.replace(/^error: /, '').replaceAll(/\s+/g, ' ');
  throw new CommandFailure(EXIT.usage, isPrinted ? '' : message);
}

/** A command. A failure sets `process.exitCode`, then rejects with a `CommandFailure`, so that every runner exits alike. */
export abstract class SessionsCommandRunner extends CommandRunner {
  constructor(
    @Inject(SessionsAccess) protected readonly access: SessionsAccess,
    @Inject(Terminal) protected readonly terminal: Terminal,
  ) {
    super();
  }

  /** A command line that help shows. */
  protected readonly example: string | null = null;

  protected abstract execute(
    parameters: readonly string[],
    options: Record<string, unknown>,
    signal: AbortSignal,
  ): Promise<void>;

  /** What the command changes goes by these, into the audit. */
  protected deedsOn(core: SessionsCore): OperatorDeeds {
    return new OperatorDeeds(core, { by: commandOperator(), network: null }, new Logger('SessionsAudit'));
  }

  override setCommand(command: Command): this {
    // Sub-commands do not inherit these settings from their program.
    command
      .exitOverride(stopCommander)
      .allowExcessArguments(false)
      .configureOutput({ outputError: () => {} });
    if (this.example !== null) command.addHelpText('after', `\nExample:\n  ${this.example}`);
    return super.setCommand(command);
  }

  override async run(parameters: string[], options: Record<string, unknown> = {}): Promise<void> {
    const interruption = new Interruption();
    try {
      await this.execute(parameters, options, interruption.signal);
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
}

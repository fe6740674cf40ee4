import type { DynamicModule, INestApplicationContext, Type } from '@nestjs/common';
import { CommandFactory } from 'nest-commander';
import { CommandFailure } from './output/command-failure.js';
import { stopCommander } from './running/sessions-command-runner.js';
import { StderrLogger } from './output/stderr-logger.js';

export interface CliOptions {
  /** Printed by `--version`. Without it, the program has no such option. */
  readonly version?: string;
}

/**
 * Runs a nest-commander program and closes it. Always resolves, and sets `process.exitCode`: 0 done, 1 failure,
 * 2 usage, 3 not found, 4 partly done, 5 store unreachable. Data goes to stdout; logs, errors and questions go to
 * stderr, without stack traces.
 */
export async function runCli(module: Type | DynamicModule, options: CliOptions = {}): Promise<void> {
  let app: INestApplicationContext | undefined;
  try {
    app = await CommandFactory.createWithoutRunning(module, {
      logger: new StderrLogger(),
      abortOnError: false,
      errorHandler: stopCommander,
      serviceErrorHandler: report,
      outputConfiguration: { outputError: () => {} },
      ...(options.version !== undefined && { version: options.version }),
    });
    await CommandFactory.runApplication(app);
  } catch (error) {
    report(error);
  } finally {
    await app?.close().catch(report);
  }
}

function report(error: unknown): void {
  const failure = CommandFailure.from(error);
  if (failure.exitCode !== 0) process.exitCode = failure.exitCode;
  process.stderr.write(failure.toString());
}

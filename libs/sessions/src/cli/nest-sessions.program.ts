import { Injectable, Module } from '@nestjs/common';
import { InjectCommander, type CommandRunner } from 'nest-commander';
import { nestSessionsCommands, sessionsCommands } from './commands.js';
import { EnvironmentSessionsAccess } from './access/environment-sessions-access.js';
import { runCli } from './run-cli.js';
import { SessionsAccess } from './access/sessions-access.js';
import { Terminal } from './output/terminal.js';
import { packageVersion } from '../core/package-version.js';

type Program = Parameters<CommandRunner['setCommand']>[0];

/** Sets the name that help prints, whatever the program's file is called. */
@Injectable()
class ProgramName {
  constructor(@InjectCommander() program: Program) {
    program
      .name('nest-sessions')
      .description('Inspects and cleans up user sessions.')
      .addHelpText('after', '\nExample:\n  nest-sessions users --limit 10');
  }
}

@Module({
  providers: [
    Terminal,
    ProgramName,
    { provide: SessionsAccess, useClass: EnvironmentSessionsAccess },
    ...nestSessionsCommands,
    ...sessionsCommands,
  ],
})
class NestSessionsProgram {}

/** Runs the program `nest-sessions`: the commands of this package, configured by the environment alone. */
export function runNestSessions(): Promise<void> {
  return runCli(NestSessionsProgram, { version: packageVersion() });
}

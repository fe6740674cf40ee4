import { readFileSync } from 'node:fs';
import { Injectable, Module } from '@nestjs/common';
import { InjectCommander, type CommandRunner } from 'nest-commander';
import { nestSessionsCommands, sessionsCommands } from './commands/commands.js';
import { EnvironmentSessionsAccess } from './access/environment-sessions-access.js';
import { runCli } from './run-cli.js';
import { SessionsAccess } from './access/sessions-access.js';
import { Terminal } from './output/terminal.js';

type Program = Parameters<CommandRunner['setCommand']>[0];

/** Help calls the program by its name, whatever its file is called. */
@Injectable()
class ProgramName {
  constructor(@InjectCommander() program: Program) {
    program.name('nest-sessions').description('User sessions, their files and their cleanup.');
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

/** The program `nest-sessions`: the commands of this package, on the environment's settings alone. */
export function runNestSessions(): Promise<void> {
  return runCli(NestSessionsProgram, { version: readVersion() });
}

function readVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  const { version }: { version: string } = JSON.parse(text);
  return version;
}

import { Module } from '@nestjs/common';
import { AppSessionsAccess } from './access/app-sessions-access.js';
import { sessionsCommands } from './commands.js';
import { SessionsAccess } from './access/sessions-access.js';
import { Terminal } from './output/terminal.js';

/**
 * Adds the commands `sessions list`, `sessions users` and so on (`sessions --help` lists them), and the flat `sessions-list`,
 * `sessions-stats` and `sessions-cleanup`, to a nest-commander program that imports `SessionsModule`. Run the program with `runCli`.
 */
@Module({
  providers: [Terminal, { provide: SessionsAccess, useClass: AppSessionsAccess }, ...sessionsCommands],
})
export class SessionsCommandsModule {}

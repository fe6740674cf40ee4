import { Module } from '@nestjs/common';
import { AppSessionsAccess } from './access/app-sessions-access.js';
import { sessionsCommands } from './commands/commands.js';
import { SessionsAccess } from './access/sessions-access.js';
import { Terminal } from './output/terminal.js';

/**
 * Adds `sessions list | show | cleanup | stats`, and the flat `sessions-list`, `sessions-cleanup` and `sessions-stats`, to
 * a nest-commander program that imports `SessionsModule` too. Run it with `runCli` for exit codes that mean something.
 */
@Module({
  providers: [Terminal, { provide: SessionsAccess, useClass: AppSessionsAccess }, ...sessionsCommands],
})
export class SessionsCommandsModule {}

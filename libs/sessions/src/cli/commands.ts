import { Command } from 'nest-commander';
import { CleanupCommand } from './cleanup/cleanup.command.js';
import { CompletionCommand } from './completion/completion.command.js';
import { AuditCommand } from './commands/audit.command.js';
import { ClockCommand } from './commands/clock.command.js';
import { DoctorCommand } from './commands/doctor.command.js';
import { FindCommand } from './commands/find.command.js';
import { ForgetUserCommand } from './commands/forget-user.command.js';
import { ListCommand } from './commands/list.command.js';
import { NodesCommand } from './commands/nodes.command.js';
import { ShowCommand } from './commands/show.command.js';
import { StatsCommand } from './commands/stats.command.js';
import { TimelineCommand } from './commands/timeline.command.js';
import { TrendsCommand } from './commands/trends.command.js';
import { UsersCommand } from './commands/users.command.js';
import { usage } from './output/command-failure.js';
import { ExportCommand } from './replay/export.command.js';
import { ReplayCommand } from './replay/replay.command.js';
import type { CommandDeclaration } from './running/command-declaration.js';
import { flatCommand, nestedCommand, ownCommand } from './running/named-command.js';
import { SessionsCommandRunner, type CommandClass } from './running/sessions-command-runner.js';

/** In the order of the help. Each is `sessions list` in any program, and `list` in the program of this package. */
const COMMANDS: readonly CommandClass[] = [
  ListCommand,
  ShowCommand,
  TimelineCommand,
  UsersCommand,
  FindCommand,
  StatsCommand,
  TrendsCommand,
  AuditCommand,
  CleanupCommand,
  NodesCommand,
  ClockCommand,
  DoctorCommand,
  ForgetUserCommand,
  ExportCommand,
  ReplayCommand,
  CompletionCommand,
];
/** These are `sessions-list` in any program, too. */
const FLAT: readonly CommandClass[] = [ListCommand, StatsCommand, CleanupCommand];

const NAMES = COMMANDS.map(({ declaration }) => declaration.name);
const NESTED = COMMANDS.map(nestedCommand);

const SESSIONS: CommandDeclaration = {
  name: 'sessions',
  description: `manages user sessions: ${NAMES.join(', ')}`,
  example: 'list',
  options: {},
};

@Command({ name: SESSIONS.name, description: SESSIONS.description, subCommands: NESTED })
export class SessionsCommand extends SessionsCommandRunner {
  static readonly declaration = SESSIONS;

  protected override execute([unknown]: readonly string[]): Promise<void> {
    const fault = unknown === undefined ? 'command missing' : `unknown command 'sessions ${unknown}'`;
    return Promise.reject(
      usage(`${fault}: use ${NAMES.slice(0, -1).join(', ')} or ${NAMES.at(-1)} (see --help)`),
    );
  }

  override setCommand(command: Parameters<SessionsCommandRunner['setCommand']>[0]): this {
    super.setCommand(command);
    // Commander passes an unknown sub-command as an argument.
    command.allowExcessArguments(true);
    return this;
  }
}

/** For any program: nested and flat. */
export const sessionsCommands = [SessionsCommand, ...NESTED, ...FLAT.map(flatCommand)];

/** The commands of the program `nest-sessions`: an app does not add these to its own command line. */
export const nestSessionsCommands = COMMANDS.map(ownCommand);

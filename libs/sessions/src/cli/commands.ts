import { Command, SubCommand } from 'nest-commander';
import { AuditCommand } from './commands/audit.command.js';
import { ClockCommand } from './commands/clock.command.js';
import { CleanupCommand } from './commands/cleanup.command.js';
import { DoctorCommand } from './commands/doctor.command.js';
import { usage } from './output/command-failure.js';
import { ExportCommand } from './replay/export.command.js';
import { ForgetUserCommand } from './commands/forget-user.command.js';
import { ListCommand } from './commands/list.command.js';
import { NodesCommand } from './commands/nodes.command.js';
import { ReplayCommand } from './replay/replay.command.js';
import { SessionsCommandRunner } from './running/sessions-command-runner.js';
import { ShowCommand } from './commands/show.command.js';
import { StatsCommand } from './commands/stats.command.js';
import { TimelineCommand } from './commands/timeline.command.js';
import { TrendsCommand } from './commands/trends.command.js';

/*
 * Names of the commands: `sessions list` in any program, with the flat alias `sessions-list`, and `list` in the program
 * of this package. nest-commander requires a class per name; these classes add nothing else.
 */

const NAMES = [
  'list',
  'show',
  'timeline',
  'stats',
  'trends',
  'audit',
  'cleanup',
  'nodes',
  'clock',
  'doctor',
  'forget-user',
  'export',
  'replay',
];
const LIST = 'lists live sessions';
const SHOW = 'shows one session with its resources, or how it ended';
const TIMELINE = 'shows what happened to one session';
const AUDIT = 'lists what operators did, and wrong admin tokens';
const FORGET_USER = 'ends the sessions of a user, and erases what the journal keeps of the user';
const STATS = 'shows totals, limits, cleanup jobs and processes';
const TRENDS = 'shows what happened by minute, hour or day';
const CLEANUP = 'ends due sessions and sweeps orphans; with an id: ends that session';
const NODES = 'lists the nodes that store files; forget <id>: gives up one that will not return';
const CLOCK = 'shows the time of the store; --trust puts it right by the system clock';
const DOCTOR = 'compares counters, records and files; --repair mends what is safe';
const EXPORT = "prints what the journal has of a session's requests";
const REPLAY = 'sends recorded requests to a server again, and compares the answers';
const ACTION = { action: 'list or forget', id: 'id of the node to forget, as printed by list' };
const USER = { id: 'id of a user, as the application logs it in' };
const ID = { id: 'id of a session, as printed by list' };
const SOURCE = { source: 'a HAR file, or the id of a session' };

const list = { description: LIST };
const show = { description: SHOW, arguments: '<id>', argsDescription: ID };
const stats = { description: STATS };
const trends = { description: TRENDS };
const timeline = { description: TIMELINE, arguments: '<id>', argsDescription: ID };
const audit = { description: AUDIT };
const forgetUser = { description: FORGET_USER, arguments: '<id>', argsDescription: USER };
const clock = { description: CLOCK };
const doctor = { description: DOCTOR };
const cleanup = { description: CLEANUP, arguments: '[id]', argsDescription: ID };
const exporting = { description: EXPORT, arguments: '<id>', argsDescription: ID };
const replay = { description: REPLAY, arguments: '<source>', argsDescription: SOURCE };

const nodes = { description: NODES, arguments: '[action] [id]', argsDescription: ACTION };

@SubCommand({ ...list, name: 'list' })
export class SessionsListSubCommand extends ListCommand {}

@SubCommand({ ...show, name: 'show' })
export class SessionsShowSubCommand extends ShowCommand {}

@SubCommand({ ...stats, name: 'stats' })
export class SessionsStatsSubCommand extends StatsCommand {}

@SubCommand({ ...trends, name: 'trends' })
export class SessionsTrendsSubCommand extends TrendsCommand {}

@SubCommand({ ...cleanup, name: 'cleanup' })
export class SessionsCleanupSubCommand extends CleanupCommand {}

@SubCommand({ ...nodes, name: 'nodes' })
export class SessionsNodesSubCommand extends NodesCommand {}

@SubCommand({ ...clock, name: 'clock' })
export class SessionsClockSubCommand extends ClockCommand {}

@SubCommand({ ...doctor, name: 'doctor' })
export class SessionsDoctorSubCommand extends DoctorCommand {}

@SubCommand({ ...exporting, name: 'export' })
export class SessionsExportSubCommand extends ExportCommand {}

@SubCommand({ ...replay, name: 'replay' })
export class SessionsReplaySubCommand extends ReplayCommand {}

@SubCommand({ ...timeline, name: 'timeline' })
export class SessionsTimelineSubCommand extends TimelineCommand {}

@SubCommand({ ...audit, name: 'audit' })
export class SessionsAuditSubCommand extends AuditCommand {}

@SubCommand({ ...forgetUser, name: 'forget-user' })
export class SessionsForgetUserSubCommand extends ForgetUserCommand {}

const SUB_COMMANDS = [
  SessionsListSubCommand,
  SessionsShowSubCommand,
  SessionsStatsSubCommand,
  SessionsTrendsSubCommand,
  SessionsCleanupSubCommand,
  SessionsNodesSubCommand,
  SessionsClockSubCommand,
  SessionsDoctorSubCommand,
  SessionsExportSubCommand,
  SessionsReplaySubCommand,
  SessionsTimelineSubCommand,
  SessionsAuditSubCommand,
  SessionsForgetUserSubCommand,
];

@Command({
  name: 'sessions',
  description: `manages user sessions: ${NAMES.join(', ')}`,
  subCommands: SUB_COMMANDS,
})
export class SessionsCommand extends SessionsCommandRunner {
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

@Command({ ...list, name: 'sessions-list' })
export class SessionsListCommand extends ListCommand {}

@Command({ ...stats, name: 'sessions-stats' })
export class SessionsStatsCommand extends StatsCommand {}

@Command({ ...cleanup, name: 'sessions-cleanup' })
export class SessionsCleanupCommand extends CleanupCommand {}

@Command({ ...list, name: 'list' })
export class NestSessionsListCommand extends ListCommand {}

@Command({ ...show, name: 'show' })
export class NestSessionsShowCommand extends ShowCommand {}

@Command({ ...stats, name: 'stats' })
export class NestSessionsStatsCommand extends StatsCommand {}

@Command({ ...trends, name: 'trends' })
export class NestSessionsTrendsCommand extends TrendsCommand {}

@Command({ ...cleanup, name: 'cleanup' })
export class NestSessionsCleanupCommand extends CleanupCommand {}

@Command({ ...nodes, name: 'nodes' })
export class NestSessionsNodesCommand extends NodesCommand {}

@Command({ ...clock, name: 'clock' })
export class NestSessionsClockCommand extends ClockCommand {}

@Command({ ...doctor, name: 'doctor' })
export class NestSessionsDoctorCommand extends DoctorCommand {}

@Command({ ...exporting, name: 'export' })
export class NestSessionsExportCommand extends ExportCommand {}

@Command({ ...replay, name: 'replay' })
export class NestSessionsReplayCommand extends ReplayCommand {}

@Command({ ...timeline, name: 'timeline' })
export class NestSessionsTimelineCommand extends TimelineCommand {}

@Command({ ...audit, name: 'audit' })
export class NestSessionsAuditCommand extends AuditCommand {}

@Command({ ...forgetUser, name: 'forget-user' })
export class NestSessionsForgetUserCommand extends ForgetUserCommand {}

/** For any program: nested and flat. */
export const sessionsCommands = [
  SessionsCommand,
  ...SUB_COMMANDS,
  SessionsListCommand,
  SessionsStatsCommand,
  SessionsCleanupCommand,
];

/** The commands of the program `nest-sessions`: an app does not add these to its own command line. */
export const nestSessionsCommands = [
  NestSessionsListCommand,
  NestSessionsShowCommand,
  NestSessionsStatsCommand,
  NestSessionsTrendsCommand,
  NestSessionsCleanupCommand,
  NestSessionsNodesCommand,
  NestSessionsClockCommand,
  NestSessionsDoctorCommand,
  NestSessionsExportCommand,
  NestSessionsReplayCommand,
  NestSessionsTimelineCommand,
  NestSessionsAuditCommand,
  NestSessionsForgetUserCommand,
];

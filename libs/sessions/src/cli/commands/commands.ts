import { Command, SubCommand } from 'nest-commander';
import { ClockCommand } from './clock.command.js';
import { CleanupCommand } from './cleanup.command.js';
import { usage } from '../output/command-failure.js';
import { ExportCommand } from './export.command.js';
import { ListCommand } from './list.command.js';
import { NodesCommand } from './nodes.command.js';
import { ReplayCommand } from './replay.command.js';
import { SessionsCommandRunner } from './sessions-command-runner.js';
import { ShowCommand } from './show.command.js';
import { StatsCommand } from './stats.command.js';

/*
 * Names of the commands: `sessions list` in any program, with the flat alias `sessions-list`, and `list` in the program
 * of this package. nest-commander requires a class per name; these classes add nothing else.
 */

const LIST = 'lists live sessions';
const SHOW = 'shows one session with its resources';
const STATS = 'shows totals, limits, cleanup jobs and processes';
const CLEANUP = 'ends due sessions and sweeps orphans; with an id: ends that session';
const NODES = 'lists the nodes that store files; forget <id>: gives up one that will not return';
const CLOCK = 'shows the time of the store; --trust puts it right by the system clock';
const EXPORT = "prints what the journal has of a session's requests";
const REPLAY = 'sends recorded requests to a server again, and compares the answers';
const ACTION = { action: 'list or forget', id: 'id of the node to forget, as printed by list' };
const ID = { id: 'id of a session, as printed by list' };
const SOURCE = { source: 'a HAR file, or the id of a session' };

const list = { description: LIST };
const show = { description: SHOW, arguments: '<id>', argsDescription: ID };
const stats = { description: STATS };
const clock = { description: CLOCK };
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

@SubCommand({ ...cleanup, name: 'cleanup' })
export class SessionsCleanupSubCommand extends CleanupCommand {}

@SubCommand({ ...nodes, name: 'nodes' })
export class SessionsNodesSubCommand extends NodesCommand {}

@SubCommand({ ...clock, name: 'clock' })
export class SessionsClockSubCommand extends ClockCommand {}

@SubCommand({ ...exporting, name: 'export' })
export class SessionsExportSubCommand extends ExportCommand {}

@SubCommand({ ...replay, name: 'replay' })
export class SessionsReplaySubCommand extends ReplayCommand {}

@Command({
  name: 'sessions',
  description: 'manages user sessions: list, show, stats, cleanup, nodes, clock, export, replay',
  subCommands: [
    SessionsListSubCommand,
    SessionsShowSubCommand,
    SessionsStatsSubCommand,
    SessionsCleanupSubCommand,
    SessionsNodesSubCommand,
    SessionsClockSubCommand,
    SessionsExportSubCommand,
    SessionsReplaySubCommand,
  ],
})
export class SessionsCommand extends SessionsCommandRunner {
  protected override execute([unknown]: readonly string[]): Promise<void> {
    const fault = unknown === undefined ? 'command missing' : `unknown command 'sessions ${unknown}'`;
    return Promise.reject(
      usage(`${fault}: use list, show, stats, cleanup, nodes, clock, export or replay (see --help)`),
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

@Command({ ...cleanup, name: 'cleanup' })
export class NestSessionsCleanupCommand extends CleanupCommand {}

@Command({ ...nodes, name: 'nodes' })
export class NestSessionsNodesCommand extends NodesCommand {}

@Command({ ...clock, name: 'clock' })
export class NestSessionsClockCommand extends ClockCommand {}

@Command({ ...exporting, name: 'export' })
export class NestSessionsExportCommand extends ExportCommand {}

@Command({ ...replay, name: 'replay' })
export class NestSessionsReplayCommand extends ReplayCommand {}

/** For any program: nested and flat. */
export const sessionsCommands = [
  SessionsCommand,
  SessionsListSubCommand,
  SessionsShowSubCommand,
  SessionsStatsSubCommand,
  SessionsCleanupSubCommand,
  SessionsNodesSubCommand,
  SessionsClockSubCommand,
  SessionsExportSubCommand,
  SessionsReplaySubCommand,
  SessionsListCommand,
  SessionsStatsCommand,
  SessionsCleanupCommand,
];

/** The commands of the program `nest-sessions`: an app does not add these to its own command line. */
export const nestSessionsCommands = [
  NestSessionsListCommand,
  NestSessionsShowCommand,
  NestSessionsStatsCommand,
  NestSessionsCleanupCommand,
  NestSessionsNodesCommand,
  NestSessionsClockCommand,
  NestSessionsExportCommand,
  NestSessionsReplayCommand,
];

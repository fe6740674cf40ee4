import { Command, SubCommand } from 'nest-commander';
import { CleanupCommand } from './cleanup.command.js';
import { usage } from '../output/command-failure.js';
import { ListCommand } from './list.command.js';
import { NodesCommand } from './nodes.command.js';
import { SessionsCommandRunner } from './sessions-command-runner.js';
import { ShowCommand } from './show.command.js';
import { StatsCommand } from './stats.command.js';

/*
 * What the commands are called: `sessions list` in any program, `sessions-list` where a flat name is handier, and `list`
 * in the program of this package. nest-commander wants a class for each name; they have nothing else of their own.
 */

const LIST = 'the live sessions';
const SHOW = 'one session with all it holds';
const STATS = 'totals, limits, and whether somebody cleans up';
const CLEANUP = 'ends what is due and sweeps orphans; with an id: ends that session';
const NODES = 'the machines that files lie on: list, or forget <id> one that will not return';
const WHAT = { what: 'list or forget', id: 'the id of a node to forget, as list shows it' };
const ID = { id: 'the id of a session, as list shows it' };

const list = { description: LIST };
const show = { description: SHOW, arguments: '<id>', argsDescription: ID };
const stats = { description: STATS };
const cleanup = { description: CLEANUP, arguments: '[id]', argsDescription: ID };

const nodes = { description: NODES, arguments: '[what] [id]', argsDescription: WHAT };

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

@Command({
  name: 'sessions',
  description: 'looks after user sessions: list, show, stats, cleanup, nodes',
  subCommands: [
    SessionsListSubCommand,
    SessionsShowSubCommand,
    SessionsStatsSubCommand,
    SessionsCleanupSubCommand,
    SessionsNodesSubCommand,
  ],
})
export class SessionsCommand extends SessionsCommandRunner {
  protected override execute([unknown]: readonly string[]): Promise<void> {
    const what = unknown === undefined ? 'say what to do' : `there is no command sessions ${unknown}`;
    return Promise.reject(usage(`${what}: list, show, stats, cleanup or nodes (--help tells more)`));
  }

  override setCommand(command: Parameters<SessionsCommandRunner['setCommand']>[0]): this {
    super.setCommand(command);
    // A name that is no sub-command arrives as an argument.
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

/** Those of any program: nested and flat. */
export const sessionsCommands = [
  SessionsCommand,
  SessionsListSubCommand,
  SessionsShowSubCommand,
  SessionsStatsSubCommand,
  SessionsCleanupSubCommand,
  SessionsNodesSubCommand,
  SessionsListCommand,
  SessionsStatsCommand,
  SessionsCleanupCommand,
];

/** Those that the program of this package has besides. */
export const nestSessionsCommands = [
  NestSessionsListCommand,
  NestSessionsShowCommand,
  NestSessionsStatsCommand,
  NestSessionsCleanupCommand,
  NestSessionsNodesCommand,
];

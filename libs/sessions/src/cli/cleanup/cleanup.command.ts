import type { SessionsCore } from '../../core/core.js';
import { instantOf, INSTANT_RULE } from '../../operate/lists/instant.js';
import { filterOf, type SessionCriteria } from '../../operate/lists/session-criteria.js';
import type { BulkTarget } from '../../operate/bulk/bulk-report.js';
import { timeOf } from '../../operate/units.js';
import { usage } from '../output/command-failure.js';
import {
  argument,
  flag,
  flagOf,
  value,
  type CommandDeclaration,
  type OptionsOf,
} from '../running/command-declaration.js';
import { wholeNumber } from '../running/option-values.js';
import { FILTER, FILTER_FLAGS, filterValues } from '../running/session-filters.js';
import { resolveSessionId, sessionIdText } from '../running/session-ids.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import { valid, yes } from '../running/shared-options.js';
import { endMany } from './end-many.js';
import { endOne } from './end-one.js';
import { cleanUp } from './full-cleanup.js';

const MAX_GRACE_SECONDS = 365 * 24 * 3600;
/** With less, a wrong clock could make an orphan of a file that is being settled. */
const SAFE_GRACE_SECONDS = 60;

/** Which sessions to end; without any of these, and without an id, it is a full cleanup. */
const CHOICE = {
  ...FILTER,
  asOf: value('instant', 'with a filter: only sessions opened until then, as_of of a dry run'),
};

const OF_FULL = {
  orphanGrace: value(
    'seconds',
    `minimum age in seconds before an orphaned file is deleted (below ${SAFE_GRACE_SECONDS} requires --force)`,
  ),
  force: flag(`allows an --orphan-grace below ${SAFE_GRACE_SECONDS}`),
  confirm: flag('deletes orphans even if they are most of the files, or belong to another or a later store'),
};

const OPTIONS = {
  ...CHOICE,
  ...OF_FULL,
  dryRun: flag('reports what would be done, and changes nothing'),
  yes: yes('ends live sessions'),
  json: flag('prints JSON, that of POST /admin/sessions/{session_id}/cleanup or /admin/sessions/cleanup'),
};

type Options = OptionsOf<typeof OPTIONS>;

/** Ends due sessions and sweeps orphans, now; or ends the live sessions that the command line names or describes. */
export class CleanupCommand extends SessionsCommandRunner<typeof OPTIONS> {
  static readonly declaration: CommandDeclaration = {
    name: 'cleanup',
    description: 'ends due sessions and sweeps orphans; with ids or a filter: ends those sessions',
    arguments: { '[ids...]': argument('ids of sessions, or their beginnings, as printed by list') },
    example: '--user anna --idle-over 300 --dry-run',
    options: OPTIONS,
  };

  protected override async execute(
    given: readonly string[],
    options: Options,
    signal: AbortSignal,
  ): Promise<void> {
    const ids = given.map(sessionIdText);
    const hasFilter = isAnyGiven(CHOICE, options);
    if (ids.length === 0 && !hasFilter) return this.cleanUpFully(options, signal);
    refuse(OF_FULL, options, 'the choice of sessions to end');
    if (ids.length > 0) refuse(CHOICE, options, 'ids of sessions');
    const criteria = hasFilter ? await criteriaOf(options) : null;
    const asOf = asOfOf(options);
    // Nobody could answer: asked before anything is opened.
    if (!options.yes && !options.dryRun) this.terminal.requirePerson();
    const core = await this.access.open();
    const context = { core, deeds: this.deedsOn(core), terminal: this.terminal };
    if (criteria) {
      const now = core.clock.now();
      const at = asOf ?? now;
      // Who is idle since then, at an instant that is to come, is everybody.
      if (at > now) throw usage(`--as-of ${options.asOf} is later than now, ${timeOf(now)}`);
      const target = { filter: await filterOf(core, criteria, { asOf: at, upTo: true }) };
      return endMany(context, target, options, { asOf: at, signal, lineOf: (more) => this.lineWith(more) });
    }
    const found = await resolveAll(core, ids);
    const [id] = found;
    if (found.length === 1 && id !== undefined) return endOne(context, id, options, signal);
    const target: BulkTarget = { ids: found };
    return endMany(context, target, options, { asOf: core.clock.now(), signal, lineOf: null });
  }

  private async cleanUpFully(options: Options, signal: AbortSignal): Promise<void> {
    const orphanGraceMs = graceOf(options);
    const core = await this.access.open();
    const context = { core, deeds: this.deedsOn(core), terminal: this.terminal };
    await cleanUp(context, { ...options, orphanGraceMs }, signal);
  }
}

async function resolveAll(core: SessionsCore, ids: readonly string[]): Promise<string[]> {
  const found: string[] = [];
  // oxlint-disable-next-line no-await-in-loop -- the first fault is the answer
  for (const id of ids) found.push(await resolveSessionId(core, id));
  return [...new Set(found)];
}

async function criteriaOf(options: Options): Promise<SessionCriteria> {
  // Imported here, so that other commands start without class-validator.
  const { readSessionFilter } = await import('../../operate/lists/session-filter.query.js');
  return valid(readSessionFilter(filterValues(options), FILTER_FLAGS));
}

function asOfOf({ asOf }: Options): number | null {
  const at = instantOf(asOf);
  if (asOf !== undefined && at === null) throw usage(`--as-of ${INSTANT_RULE}`);
  return at;
}

function graceOf({ orphanGrace, force }: Options): number | undefined {
  const seconds = wholeNumber('--orphan-grace', orphanGrace, 0, MAX_GRACE_SECONDS);
  if (force && seconds === undefined) throw usage('--force requires --orphan-grace');
  if (seconds !== undefined && seconds < SAFE_GRACE_SECONDS && !force) {
    throw usage(`--orphan-grace ${seconds} is below ${SAFE_GRACE_SECONDS} seconds: it requires --force`);
  }
  return seconds === undefined ? undefined : seconds * 1000;
}

function isAnyGiven(declared: object, options: Options): boolean {
  return Object.keys(declared).some((name) => options[name as keyof Options] !== undefined);
}

function refuse(declared: object, options: Options, what: string): void {
  for (const name of Object.keys(declared)) {
    if (options[name as keyof Options] !== undefined)
      throw usage(`${flagOf(name)} cannot be combined with ${what}`);
  }
}

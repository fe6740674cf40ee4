import { TREND_SPAN_NAMES } from '../../domain/trends/trend.js';
import { readTrends, type TrendsRange } from '../../operate/trends/trends.js';
import { trendsView } from '../../operate/trends/trends-view.js';
import { usage } from '../output/command-failure.js';
import { trendsCsv, trendsPage } from '../output/trends-page.js';
import { flag, value, type CommandDeclaration, type OptionsOf } from '../running/command-declaration.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import { json, valid } from '../running/shared-options.js';

const FLAGS = { span: '--span', from: '--from', to: '--to' };

const OPTIONS = {
  span: value('span', 'length of a point (default: minute)', TREND_SPAN_NAMES),
  from: value(
    'instant',
    'begins then, such as 2026-11-29T17:30:00Z or 2026-11-29 (default: 60 minutes, 24 hours or 30 days)',
  ),
  to: value('instant', 'ends before then (default: now)'),
  json: json('GET /admin/sessions/trends'),
  csv: flag('prints a line for each minute, hour or day, for spreadsheets'),
};

/** Shows what happened by minute, hour or day. */
export class TrendsCommand extends SessionsCommandRunner<typeof OPTIONS> {
  static readonly declaration: CommandDeclaration = {
    name: 'trends',
    description: 'shows what happened by minute, hour or day',
    example: '--span day --from 2026-11-22',
    options: OPTIONS,
  };

  protected override async execute(
    _parameters: readonly string[],
    options: OptionsOf<typeof OPTIONS>,
  ): Promise<void> {
    const { json: asJson, csv } = options;
    if (asJson && csv) throw usage('--csv cannot be combined with --json');
    const range = await rangeOf(options);
    const core = await this.access.open();
    const view = trendsView(await readTrends(core, range));
    if (asJson) return this.terminal.printJson(view);
    await this.terminal.print(
      csv ? trendsCsv(view, core.config.resourceTypes) : trendsPage(this.terminal, view),
    );
  }
}

async function rangeOf({ span, from, to }: OptionsOf<typeof OPTIONS>): Promise<TrendsRange> {
  // Imported here, so that other commands start without class-validator.
  const { readTrendsQuery } = await import('../../operate/trends/trends.query.js');
  return valid(readTrendsQuery({ span, from, to }, FLAGS));
}

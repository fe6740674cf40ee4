import { Option } from 'nest-commander';
import { readTrends, type TrendsRange } from '../../operate/trends/trends.js';
import { trendsView } from '../../operate/trends/trends-view.js';
import { usage } from '../output/command-failure.js';
import { trendsCsv, trendsPage } from '../output/trends-page.js';
import { gather, single, type Given } from '../running/option-values.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';

const FLAGS = { span: '--span', from: '--from', to: '--to' };

interface TrendsOptions {
  readonly span?: Given;
  readonly from?: Given;
  readonly to?: Given;
  readonly json?: boolean;
  readonly csv?: boolean;
}

/** Shows what happened by minute, hour or day. */
export abstract class TrendsCommand extends SessionsCommandRunner {
  @Option({ flags: '--span <span>', description: 'minute, hour or day (default: minute)' })
  gatherSpan(value: string, before: Given): string[] {
    return gather(value, before);
  }

  @Option({
    flags: '--from <instant>',
    description:
      'begins then, such as 2026-11-29T17:30:00Z or 2026-11-29 (default: 60 minutes, 24 hours or 30 days)',
  })
  gatherFrom(value: string, before: Given): string[] {
    return gather(value, before);
  }

  @Option({ flags: '--to <instant>', description: 'ends before then (default: now)' })
  gatherTo(value: string, before: Given): string[] {
    return gather(value, before);
  }

  @Option({ flags: '--json', description: 'prints JSON, that of GET /admin/sessions/trends' })
  wantsJson(): boolean {
    return true;
  }

  @Option({ flags: '--csv', description: 'prints a line for each minute, hour or day, for spreadsheets' })
  wantsCsv(): boolean {
    return true;
  }

  protected override async execute(_parameters: readonly string[], options: TrendsOptions): Promise<void> {
    const { json, csv } = options;
    if (json && csv) throw usage('--csv cannot be combined with --json');
    const range = await rangeOf(options);
    const core = await this.access.open();
    const view = trendsView(await readTrends(core, range));
    if (json) return this.terminal.printJson(view);
    await this.terminal.print(
      csv ? trendsCsv(view, core.config.resourceTypes) : trendsPage(this.terminal, view),
    );
  }
}

async function rangeOf({ span, from, to }: TrendsOptions): Promise<TrendsRange> {
  const given = {
    span: single(FLAGS.span, span),
    from: single(FLAGS.from, from),
    to: single(FLAGS.to, to),
  };
  // Imported here, so that other commands start without class-validator.
  const { readTrendsQuery } = await import('../../operate/trends/trends.query.js');
  const read = readTrendsQuery(given, FLAGS);
  if (read.kind === 'invalid') throw usage(read.faults.join('; '));
  return read.query;
}

import { Option } from 'nest-commander';
import type { WrongTokens } from '../../domain/journal/audit-entry.js';
import { readAudit } from '../../operate/journal/audit-page.js';
import { auditView } from '../../operate/journal/journal-views.js';
import type { AuditQuery } from '../../ports/store/session-store.js';
import { cell } from '../output/format.js';
import { actorText, auditText, secondText } from '../output/journal-text.js';
import { columns, section } from '../output/table.js';
import { EntriesCommand, pageOf, valid, type EntriesOptions } from '../running/entries-command.js';
import { gather, single, type Given } from '../running/option-values.js';

const FLAGS = { limit: '--limit', cursor: '--cursor', from: '--from', to: '--to' };

interface AuditOptions extends EntriesOptions {
  readonly from?: Given;
  readonly to?: Given;
}

/** Lists what operators did, the latest first, and below it wrong admin tokens. */
export abstract class AuditCommand extends EntriesCommand {
  protected override readonly example = 'sessions audit --from 2026-11-29T12:00:00Z --limit 20';

  @Option({
    flags: '--from <instant>',
    description: 'only what was done at or after this ISO instant or day',
  })
  gatherFrom(value: string, before: Given): string[] {
    return gather(value, before);
  }

  @Option({ flags: '--to <instant>', description: 'only what was done before this ISO instant or day' })
  gatherTo(value: string, before: Given): string[] {
    return gather(value, before);
  }

  @Option({ flags: '--json', description: 'prints JSON, that of GET /admin/sessions/audit' })
  wantsJson(): boolean {
    return true;
  }

  protected override async execute(_parameters: readonly string[], options: AuditOptions): Promise<void> {
    const query = await queryOf(options);
    const audit = await readAudit(await this.access.open(), query);
    if (options.json) return this.terminal.printJson(auditView(audit));
    await this.printRows(
      audit.entries.map((entry) => [secondText(entry.at), entry.deed, actorText(entry.by), auditText(entry)]),
    );
    await this.printWrongTokens(audit.wrongTokens ?? [], audit.entries.length > 0);
    this.noteNext(audit.nextCursor);
  }

  private async printWrongTokens(wrongTokens: readonly WrongTokens[], followsTable: boolean): Promise<void> {
    if (wrongTokens.length === 0) return;
    const rows = wrongTokens.map(({ minuteAt, network, count }) => [
      secondText(minuteAt),
      cell(network),
      count,
    ]);
    const table = columns(this.terminal, ['MINUTE', 'NETWORK', 'COUNT'], rows);
    await this.terminal.print(
      (followsTable ? '\n' : '') + section(this.terminal, 'Wrong admin tokens', table),
    );
  }
}

async function queryOf(options: AuditOptions): Promise<AuditQuery> {
  const given = {
    ...pageOf(options),
    from: single(FLAGS.from, options.from),
    to: single(FLAGS.to, options.to),
  };
  // Imported here, so that other commands start without class-validator.
  const { readAuditQuery } = await import('../../operate/journal/audit.query.js');
  return valid(readAuditQuery(given, FLAGS));
}

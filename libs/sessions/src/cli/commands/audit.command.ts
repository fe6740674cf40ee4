import type { WrongTokens } from '../../domain/journal/audit-entry.js';
import { MAX_PAGE } from '../../operate/lists/session-page.js';
import { readAudit } from '../../operate/journal/audit-page.js';
import { auditView } from '../../operate/journal/journal-views.js';
import type { AuditQuery } from '../../ports/store/session-store.js';
import { cell } from '../output/format.js';
import { actorText, auditText, secondText } from '../output/journal-text.js';
import { columns, entryTable, section } from '../output/table.js';
import { value, type CommandDeclaration, type OptionsOf } from '../running/command-declaration.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import { json, page, pageOf, PAGE_FLAGS, valid } from '../running/shared-options.js';
import { STREAM, streamPages } from '../running/stream.js';

const FLAGS = { ...PAGE_FLAGS, from: '--from', to: '--to' };

const OPTIONS = {
  ...page('entries'),
  from: value('instant', 'only what was done at or after this ISO instant or day'),
  to: value('instant', 'only what was done before this ISO instant or day'),
  ...STREAM,
  json: json('GET /admin/sessions/audit'),
};

/** Lists what operators did, the latest first, and below it wrong admin tokens. */
export class AuditCommand extends SessionsCommandRunner<typeof OPTIONS> {
  static readonly declaration: CommandDeclaration = {
    name: 'audit',
    description: 'lists what operators did, and wrong admin tokens',
    example: '--from 2026-11-29T12:00:00Z --limit 20',
    options: OPTIONS,
  };

  protected override async execute(
    _parameters: readonly string[],
    options: OptionsOf<typeof OPTIONS>,
    signal: AbortSignal,
  ): Promise<void> {
    const query = await queryOf(options);
    const core = await this.access.open();
    if (options.stream) {
      return streamPages(this.terminal, options, signal, async ({ limit = String(MAX_PAGE), cursor }) => {
        const found = await readAudit(core, await queryOf({ ...options, limit, cursor }));
        return { slices: [auditView(found).entries], next: async () => found.nextCursor };
      });
    }
    const audit = await readAudit(core, query);
    if (options.json) return this.terminal.printJson(auditView(audit));
    await this.terminal.print(
      entryTable(
        this.terminal,
        audit.entries.map((entry) => [
          secondText(entry.at),
          entry.deed,
          actorText(entry.by),
          auditText(entry),
        ]),
      ),
    );
    await this.printWrongTokens(audit.wrongTokens ?? [], audit.entries.length > 0);
    this.noteMore(audit.nextCursor);
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

async function queryOf(options: OptionsOf<typeof OPTIONS>): Promise<AuditQuery> {
  const given = {
    ...pageOf(options),
    from: options.from,
    to: options.to,
  };
  // Imported here, so that other commands start without class-validator.
  const { readAuditQuery } = await import('../../operate/journal/audit.query.js');
  return valid(readAuditQuery(given, FLAGS));
}

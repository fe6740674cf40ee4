import { pastSessionView } from '../../operate/journal/journal-views.js';
import { resourceLimitsInUse } from '../../core/process/limits-in-use.js';
import { readPastSession, type PastSession } from '../../operate/journal/past-session.js';
import { sessionDetailView } from '../../operate/views/session-views.js';
import type { SessionDetails } from '../../core/sessions/session-details.js';
import type { CommandDeclaration, OptionsOf } from '../running/command-declaration.js';
import { resolveSessionId, sessionIdText, unknownSession } from '../running/session-ids.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import { EXAMPLE_ID, json, SESSION_ARGUMENT } from '../running/shared-options.js';
import { columns, facts, section } from '../output/table.js';
import { escapeControl } from '../output/escape-control.js';
import { actorText } from '../output/journal-text.js';
import { ago, cell, instant, size, span } from '../output/format.js';

const OPTIONS = { json: json('GET /admin/sessions/{session_id}') };

/** Shows one session with its resources, or what is known of its end. This does not count as session activity. */
export class ShowCommand extends SessionsCommandRunner<typeof OPTIONS> {
  static readonly declaration: CommandDeclaration = {
    name: 'show',
    description: 'shows one session with its resources, or how it ended',
    arguments: SESSION_ARGUMENT,
    example: EXAMPLE_ID,
    options: OPTIONS,
  };

  protected override async execute(
    [given = '']: readonly string[],
    options: OptionsOf<typeof OPTIONS>,
  ): Promise<void> {
    const text = sessionIdText(given);
    const core = await this.access.open();
    const id = await resolveSessionId(core, text);
    const session = await core.service.describe({ id });
    if (!session) return this.showPast(await readPastSession(core, id), core.clock.now(), options);
    const now = core.clock.now();
    if (options.json) {
      const limits = await resourceLimitsInUse(core);
      return this.terminal.printJson(sessionDetailView(session, limits, now));
    }
    await this.terminal.print(this.page(session, now));
  }

  private async showPast(
    past: PastSession | null,
    now: number,
    { json: asJson }: OptionsOf<typeof OPTIONS>,
  ): Promise<void> {
    if (!past) throw unknownSession();
    if (asJson) return this.terminal.printJson(pastSessionView(past));
    await this.terminal.print(this.pastPage(past, now));
  }

  private pastPage({ id, state, createdAt, endReason, end }: PastSession, now: number): string {
    return facts(this.terminal, [
      ['Session', id],
      ['State', state],
      ['Created', `${instant(createdAt)} (${ago(createdAt, now)})`],
      ['Ended', end ? `${instant(end.at)} (${ago(end.at, now)})` : '-'],
      ['Reason', endReason ?? '-'],
      ['By', end ? actorText(end.by) : '-'],
      ['Duration', end ? span(end.durationMs) : '-'],
      ['Requests', end?.requests ?? '-'],
      ['Resources', end?.resources ?? '-'],
      ['Size', end ? size(end.bytes) : '-'],
    ]);
  }

  private page(session: SessionDetails, now: number): string {
    const overview = facts(this.terminal, [
      ['Session', session.id],
      ['User', session.userId === null ? '-' : escapeControl(session.userId)],
      ['Address', escapeControl(session.ipAddress)],
      ['Agent', escapeControl(session.userAgent) || '-'],
      ['Created', `${instant(session.createdAt)} (${ago(session.createdAt, now)})`],
      ['Last activity', `${instant(session.lastActivityAt)} (${ago(session.lastActivityAt, now)})`],
      ['Idle end', `${instant(session.idleEndsAt)} (in ${span(session.idleEndsAt - now)})`],
      ['Absolute end', `${instant(session.expiresAt)} (in ${span(session.expiresAt - now)})`],
      ['Requests', session.requestCount],
      ['Resources', session.resourceCount],
      ['Size', size(session.bytesUsed)],
    ]);
    if (session.resources.length === 0) return overview;
    const rows = session.resources.map((resource) => [
      resource.id,
      cell(resource.type),
      resource.state,
      cell(resource.fileName),
      cell(resource.mediaType),
      size(resource.sizeBytes),
      ago(resource.lastUsedAt, now),
      cell(resource.purpose),
    ]);
    const head = ['RESOURCE', 'TYPE', 'STATE', 'FILE NAME', 'MEDIA TYPE', 'SIZE', 'LAST USED', 'PURPOSE'];
    return `${overview}\n${section(this.terminal, 'Resources', columns(this.terminal, head, rows))}`;
  }
}

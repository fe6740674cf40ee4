import { findFile, nameOfFile, type FoundFile } from '../../operate/files/find-file.js';
import { foundFileView } from '../../operate/files/file-views.js';
import { CommandFailure, EXIT, usage } from '../output/command-failure.js';
import { ago, instant, size, wholeCell } from '../output/format.js';
import { facts } from '../output/table.js';
import { argument, type CommandDeclaration, type OptionsOf } from '../running/command-declaration.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import { json } from '../running/shared-options.js';

const OPTIONS = { json: json() };

/** Tells whose a resource or a stored file is. This does not count as session activity. */
export class FindCommand extends SessionsCommandRunner<typeof OPTIONS> {
  static readonly declaration: CommandDeclaration = {
    name: 'find',
    description: 'tells whose file this is: session and user of a resource id, or of a path on disk',
    arguments: {
      '<file>': argument('id of a resource, or a path in the storage folder, absolute or relative to it'),
    },
    example: 'data/sessions/s/0e/0e8fb3bb5a3c4be59f8a1d1a3f7f6a11/0e85e0d8a4f24bd2a5b1f0c3b8a1c2d3',
    options: OPTIONS,
  };

  protected override async execute(
    [given = '']: readonly string[],
    options: OptionsOf<typeof OPTIONS>,
  ): Promise<void> {
    const core = await this.access.open();
    const name = nameOfFile(core, given);
    if (!name) {
      throw usage(
        'this is no resource id, a UUID in lower case, and no path such as s/0e/<32 digits>/<32 digits>',
      );
    }
    const found = await findFile(core, name);
    if (!found) throw new CommandFailure(EXIT.notFound, 'no resource has this id, or it is gone');
    if (options.json) await this.terminal.printJson(foundFileView(found));
    else await this.terminal.print(this.page(found, core.clock.now()));
    if (found.sessionState === 'unknown' && !found.resource) {
      throw new CommandFailure(
        EXIT.notFound,
        'no session that the store knows owns this: a cleanup deletes it',
      );
    }
  }

  private page(
    { sessionId, sessionState, userId, resource, resourceId, name }: FoundFile,
    now: number,
  ): string {
    return facts(this.terminal, [
      ['Session', sessionId],
      ['Session is', sessionState],
      ['User', wholeCell(userId)],
      ['Resource', resourceId ?? '- (this is the folder of the session)'],
      ['State', resource?.state ?? '- (the store has no record of it)'],
      ...(name ? [['On disk', ON_DISK[name.kind]] as const] : []),
      ['Type', resource ? wholeCell(resource.type) : '-'],
      ['File name', wholeCell(resource?.fileName ?? null)],
      ['Size', resource ? size(resource.sizeBytes) : '-'],
      ['Created', resource ? `${instant(resource.createdAt)} (${ago(resource.createdAt, now)})` : '-'],
      ['Last used', resource ? `${instant(resource.lastUsedAt)} (${ago(resource.lastUsedAt, now)})` : '-'],
    ]);
  }
}

const ON_DISK = {
  stored: 'as a stored file; doctor tells whether it is still there',
  partial: 'being written, or left by a process that died',
  trash: 'in the trash: its session is over, and it waits to be deleted',
};

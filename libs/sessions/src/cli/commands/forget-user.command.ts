import type { SessionsCore } from '../../core/core.js';
import { forgottenUserView } from '../../operate/journal/journal-views.js';
import { partlyDeleted } from '../cleanup/cleanup-context.js';
import { cell, counted } from '../output/format.js';
import { userId } from '../running/option-values.js';
import { argument, type CommandDeclaration, type OptionsOf } from '../running/command-declaration.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import { json, yes } from '../running/shared-options.js';

const OPTIONS = { yes: yes('forgets the user'), json: json() };

/** Ends the sessions of a user, and erases what the journal keeps of the user. */
export class ForgetUserCommand extends SessionsCommandRunner<typeof OPTIONS> {
  static readonly declaration: CommandDeclaration = {
    name: 'forget-user',
    description: 'ends the sessions of a user, and erases what the journal keeps of the user',
    arguments: { '<id>': argument('id of a user, as the application logs it in') },
    example: 'anna --yes',
    options: OPTIONS,
  };

  protected override async execute(
    [given = '']: readonly string[],
    { yes: isAgreed, json: asJson }: OptionsOf<typeof OPTIONS>,
    signal: AbortSignal,
  ): Promise<void> {
    const id = userId(given);
    if (!isAgreed) this.terminal.requirePerson();
    const core = await this.access.open();
    if (!isAgreed) await this.terminal.confirm(await questionFor(core, id), signal);
    const forgotten = await this.deedsOn(core).forgetUser(id);
    const { sessions, timelines, pending } = forgotten;
    if (asJson) await this.terminal.printJson(forgottenUserView(forgotten));
    else
      await this.terminal.print(
        `user forgotten: ${counted(sessions, 'session')} ended, ${counted(timelines, 'timeline')} erased\n`,
      );
    if (pending) throw partlyDeleted(pending);
  }
}

async function questionFor({ service }: SessionsCore, id: string): Promise<string> {
  const { length } = await service.listByUser(id);
  return `Forget user ${cell(id)}? This ends ${counted(length, 'live session')}, and erases the timelines of ended ones.`;
}

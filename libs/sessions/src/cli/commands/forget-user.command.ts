import { Option } from 'nest-commander';
import type { SessionsCore } from '../../core/core.js';
import { forgottenUserView } from '../../operate/journal/journal-views.js';
import { cell, counted } from '../output/format.js';
import { userId } from '../running/option-values.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';

interface ForgetUserOptions {
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Ends the sessions of a user, and erases what the journal keeps of the user. */
export abstract class ForgetUserCommand extends SessionsCommandRunner {
  protected override readonly example = 'sessions forget-user anna --yes';

  @Option({ flags: '--yes', description: 'forgets the user without asking' })
  isAgreed(): boolean {
    return true;
  }

  @Option({ flags: '--json', description: 'prints JSON' })
  wantsJson(): boolean {
    return true;
  }

  protected override async execute(
    [given = '']: readonly string[],
    { yes, json }: ForgetUserOptions,
    signal: AbortSignal,
  ): Promise<void> {
    const id = userId(given);
    if (!yes) this.terminal.requirePerson();
    const core = await this.access.open();
    if (!yes) await this.terminal.confirm(await questionFor(core, id), signal);
    const forgotten = await this.deedsOn(core).forgetUser(id);
    if (json) return this.terminal.printJson(forgottenUserView(forgotten));
    const { sessions, timelines } = forgotten;
    await this.terminal.print(
      `user forgotten: ${counted(sessions, 'session')} ended, ${counted(timelines, 'timeline')} erased\n`,
    );
  }
}

async function questionFor({ service }: SessionsCore, id: string): Promise<string> {
  const { length } = await service.listByUser(id);
  return `Forget user ${cell(id)}? This ends ${counted(length, 'live session')}, and erases the timelines of ended ones.`;
}

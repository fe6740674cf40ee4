import { usage } from '../output/command-failure.js';
import { argument, type CommandDeclaration } from '../running/command-declaration.js';
import { programOf } from '../running/command-line.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import { bashCompletion } from './bash-completion.js';
import { commandTree } from './command-tree.js';
import { zshCompletion } from './zsh-completion.js';

const SCRIPTS = { bash: bashCompletion, zsh: zshCompletion };

const SHELLS = Object.keys(SCRIPTS) as readonly (keyof typeof SCRIPTS)[];

/** Prints a script that completes the commands of this program, made from their declarations. Needs no store. */
export class CompletionCommand extends SessionsCommandRunner {
  static readonly declaration: CommandDeclaration = {
    name: 'completion',
    description: 'prints a script that completes commands, options and their values in your shell',
    arguments: { '<shell>': argument('the shell that reads it', SHELLS) },
    example: 'bash > ~/.local/share/bash-completion/completions/nest-sessions',
    options: {},
  };

  protected override async execute([given]: readonly string[]): Promise<void> {
    const shell = SHELLS.find((one) => one === given);
    if (shell === undefined) throw usage(`there are completions for ${SHELLS.join(' and ')}`);
    const program = programOf(this.command).name();
    await this.terminal.print(SCRIPTS[shell](program, commandTree(this.command)));
  }
}

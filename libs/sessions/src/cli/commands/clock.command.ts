import type { ClockStatus } from '../../core/clock/clock-trust.js';
import { clockView } from '../../operate/views/overview-views.js';
import { usage } from '../output/command-failure.js';
import { instant, span } from '../output/format.js';
import { facts } from '../output/table.js';
import { flag, type CommandDeclaration, type OptionsOf } from '../running/command-declaration.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';
import { json, yes } from '../running/shared-options.js';

const OPTIONS = {
  trust: flag('the system clock is right: ends a doubt, and makes the time of the store the same'),
  yes: yes('trusts the clock'),
  json: json(),
};

/** Shows the store's time beside the system's; with `--trust`, puts it right. */
export class ClockCommand extends SessionsCommandRunner<typeof OPTIONS> {
  static readonly declaration: CommandDeclaration = {
    name: 'clock',
    description: 'shows the time of the store; --trust puts it right by the system clock',
    example: '--trust',
    options: OPTIONS,
  };

  protected override async execute(
    _parameters: readonly string[],
    { trust, yes: isAgreed, json: asJson }: OptionsOf<typeof OPTIONS>,
    signal: AbortSignal,
  ): Promise<void> {
    if (isAgreed && !trust) throw usage('--yes requires --trust');
    const mustAsk = trust && !isAgreed;
    if (mustAsk) this.terminal.requirePerson();
    const core = await this.access.open();
    const { clockTrust } = core;
    if (mustAsk) await this.terminal.confirm(questionFor(clockTrust.status()), signal);
    const status = trust ? await this.deedsOn(core).trustClock() : clockTrust.status();
    if (asJson) await this.terminal.printJson(clockView(status));
    else await this.terminal.print(this.page(status));
  }

  private page({ now, systemTime, verdict, doubtedUntil }: ClockStatus): string {
    return facts(this.terminal, [
      ['Time of the store', instant(now)],
      ['System clock', instant(systemTime)],
      ['State', verdict],
      ['Deletions wait until', instant(doubtedUntil)],
    ]);
  }
}

/** What an operator has to know of a clock that cannot be believed; `null` if all is well. */
export function clockWarning({ verdict, now, systemTime, doubtedUntil }: ClockStatus): string | null {
  const remedy = 'If the system clock is right, run: sessions clock --trust';
  if (verdict === 'wrong') {
    const apart = span(Math.abs(now - systemTime));
    return `The time of the store is ${instant(now)}, ${apart} from the system clock (${instant(systemTime)}). ${remedy}\n`;
  }
  if (doubtedUntil === null) return null;
  return `The clock is in doubt: until ${instant(doubtedUntil)} nothing is deleted for its age. ${remedy}\n`;
}

function questionFor({ now, systemTime }: ClockStatus): string {
  const times = `The time of the store, ${instant(now)}, becomes that of the system clock, ${instant(systemTime)}`;
  return `${times}; sessions opened or used later than that end now. Trust the system clock?`;
}

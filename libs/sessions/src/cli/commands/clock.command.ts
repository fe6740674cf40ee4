import { Option } from 'nest-commander';
import type { ClockStatus } from '../../core/process/clock-trust.js';
import { clockView } from '../../operate/views/overview-views.js';
import { usage } from '../output/command-failure.js';
import { instant, span } from '../output/format.js';
import { facts } from '../output/table.js';
import { SessionsCommandRunner } from '../running/sessions-command-runner.js';

interface ClockOptions {
  readonly trust?: boolean;
  readonly yes?: boolean;
  readonly json?: boolean;
}

/** Shows the store's time beside the system's; with `--trust`, puts it right. */
export abstract class ClockCommand extends SessionsCommandRunner {
  @Option({
    flags: '--trust',
    description: 'the system clock is right: ends a doubt, and makes the time of the store the same',
  })
  isTrusted(): boolean {
    return true;
  }

  @Option({ flags: '--yes', description: 'trusts the clock without asking' })
  isAgreed(): boolean {
    return true;
  }

  @Option({ flags: '--json', description: 'prints JSON' })
  wantsJson(): boolean {
    return true;
  }

  protected override async execute(
    _parameters: readonly string[],
    { trust, yes, json }: ClockOptions,
    signal: AbortSignal,
  ): Promise<void> {
    if (yes && !trust) throw usage('--yes requires --trust');
    const mustAsk = trust && !yes;
    if (mustAsk) this.terminal.requirePerson();
    const core = await this.access.open();
    const { clockTrust } = core;
    if (mustAsk) await this.terminal.confirm(questionFor(clockTrust.status()), signal);
    const status = trust ? await this.deedsOn(core).trustClock() : clockTrust.status();
    if (json) await this.terminal.printJson(clockView(status));
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

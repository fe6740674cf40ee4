import { describeError, type Log } from '../watch/log.js';
import { requireKeysInUse, type KeysOfServer } from './key-agreement.js';
import type { SealedTokens } from './sealed-tokens.js';

const PERIOD_MS = 2000;

/** Keeps the tokens of a server in step with the keys of the other live servers. */
export class KeyWatch {
  private timer: NodeJS.Timeout | undefined;

  /** `tokens`: `null` where they are not sealed. */
  constructor(
    private readonly tokens: SealedTokens | null,
    private readonly listOthers: () => Promise<readonly KeysOfServer[]>,
    private readonly log: Log,
  ) {}

  /**
   * For a server that the store lists already: of two that start at once, one sees the other.
   * @throws SessionsError `CONFIG_INVALID`: its keys do not fit those of the live servers
   */
  async start(): Promise<void> {
    requireKeysInUse(this.tokens?.keyIds ?? [], await this.look());
    if (this.tokens) this.timer = setInterval(() => void this.tick(), PERIOD_MS).unref();
  }

  stop(): void {
    clearInterval(this.timer);
  }

  /** Reads what the others list now. */
  async look(): Promise<readonly KeysOfServer[]> {
    const others = await this.listOthers();
    this.tokens?.note(others);
    return others;
  }

  /** While the store does not answer, what was read last holds. */
  private async tick(): Promise<void> {
    try {
      await this.look();
    } catch (error) {
      this.log.debug(`Reading the keys of other servers failed: ${describeError(error)}`);
    }
  }
}

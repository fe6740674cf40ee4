import { SessionsError } from 'nest-sessions';
import type { CampaignContext } from '../campaign.ts';

const PATIENCE_MS = 8000;

/** Calls of the service that should not be: each is answered in time, by one of the package's own errors if by any. */
export class Calls {
  tried = 0;
  readonly #context: CampaignContext;

  constructor(context: CampaignContext) {
    this.#context = context;
  }

  /** Whether it was an answer. */
  async attempt(what: string, call: () => unknown): Promise<boolean> {
    this.tried += 1;
    const late = Symbol('late');
    let timer: NodeJS.Timeout | undefined;
    try {
      const answer = await Promise.race([
        call(),
        new Promise((resolve) => (timer = setTimeout(() => resolve(late), PATIENCE_MS))),
      ]);
      if (answer === late) this.#context.violation(`${what}: no answer in 8 s`);
      return true;
    } catch (error) {
      if (!(error instanceof SessionsError) && !isStreamError(error))
        this.#context.violation(`${what}: ${String(error)}`);
      return false;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** What Node's streams say to who writes when all is written. */
function isStreamError(error: unknown): boolean {
  return error instanceof Error && 'code' in error && String(error.code).startsWith('ERR_STREAM_');
}

import { setTimeout as delay } from 'node:timers/promises';
import { isSafe, type RecordedRequest, type Recording } from '../../operate/replay/recording.js';
import { bodyLike } from './made-body.js';
import { NoAnswer } from './no-answer.js';
import type { ReplayClient } from './replay-client.js';
import { idsIn, ReplayedIds } from './replayed-ids.js';

export interface ReplaySettings {
  /** Whether requests are sent that may change something. */
  readonly isUnsafe: boolean;
  /** Factor of the pauses between requests; with 0 each is sent when the one before was answered. */
  readonly pace: number;
  /** Field of the file in forms. */
  readonly field: string;
}

/** What became of a recorded request. */
export interface Replayed {
  /** From 1. */
  readonly number: number;
  readonly recorded: RecordedRequest;
  /** With the ids of this replay. */
  readonly path: string;
  readonly verdict: 'same' | 'different' | 'skipped';
  /** `null` if there was no answer, or the request was skipped. */
  readonly status: number | null;
  /** Why it was skipped, or what else is wrong with the answer. */
  readonly reason: string | null;
}

/** So many requests in a row without an answer: it would be the same with all others. */
const MOST_SILENCES = 3;
/** Of a timer of Node: 24.8 days. */
const LONGEST_TIMER_MS = 0x7f_ff_ff_ff;

/** Sends the requests of a recording, one after the other, and compares the statuses of the answers. */
export class Replayer {
  private readonly ids: ReplayedIds;
  /** Files that were not made here, with the number of their request. */
  private readonly unmade = new Map<string, number>();
  private readonly origin: string | null;
  private hasAnswered = false;
  private silences = 0;

  constructor(
    private readonly client: ReplayClient,
    private readonly recording: Recording,
    private readonly settings: ReplaySettings,
  ) {
    this.ids = new ReplayedIds(recording.sessionId);
    this.origin = recording.requests[0]?.origin ?? null;
  }

  /** Rejects with `NoAnswer` if the target cannot be reached from the first request on. Skips the rest when `signal` aborts. */
  async run(signal: AbortSignal): Promise<Replayed[]> {
    const outcomes: Replayed[] = [];
    const beganAt = performance.now();
    const firstAt = this.recording.requests[0]?.at ?? 0;
    for (const [index, recorded] of this.recording.requests.entries()) {
      const number = index + 1;
      const skipped = this.skip(number, recorded, signal);
      if (skipped) {
        outcomes.push(skipped);
        continue;
      }
      await wait(beganAt + (recorded.at - firstAt) * this.settings.pace - performance.now(), signal);
      outcomes.push(this.skip(number, recorded, signal) ?? (await this.replay(number, recorded, signal)));
    }
    return outcomes;
  }

  private async replay(number: number, recorded: RecordedRequest, signal: AbortSignal): Promise<Replayed> {
    const path = this.ids.inPath(recorded.path);
    const outcome = { number, recorded, path };
    try {
      const answer = await this.client.send(
        {
          method: recorded.method,
          path,
          headers: headersLike(recorded),
          body: recorded.body && bodyLike(recorded.body, this.settings.field),
        },
        signal,
      );
      this.hasAnswered = true;
      this.silences = 0;
      this.ids.learn(answer, path, recorded.placed);
      const isSame = answer.status === recorded.status && answer.isWhole;
      return {
        ...outcome,
        verdict: isSame ? 'same' : 'different',
        status: answer.status,
        reason: answer.isWhole ? null : 'the answer broke off',
      };
    } catch (error) {
      if (!(error instanceof NoAnswer)) throw error;
      if (signal.aborted) return this.skipped(number, recorded, 'interrupted under way');
      if (!error.reached && !this.hasAnswered) throw error;
      this.silences += 1;
      return { ...outcome, verdict: 'different', status: null, reason: `no answer: ${error.reason}` };
    }
  }

  private skip(number: number, recorded: RecordedRequest, signal: AbortSignal): Replayed | null {
    const reason = signal.aborted ? 'interrupted' : this.reasonToSkip(recorded);
    return reason === null ? null : this.skipped(number, recorded, reason);
  }

  private skipped(number: number, recorded: RecordedRequest, reason: string): Replayed {
    for (const id of recorded.placed) this.unmade.set(id, number);
    return { number, recorded, path: recorded.path, verdict: 'skipped', status: null, reason };
  }

  private reasonToSkip({ method, origin, path, status }: RecordedRequest): string | null {
    if (!isSafe(method) && !this.settings.isUnsafe) return 'needs --unsafe';
    if (status === null) return 'its client went away';
    if (status === 101 || method.toUpperCase() === 'CONNECT') return 'is no plain request';
    if (origin !== this.origin) return 'was for another host';
    const maker = idsIn(path)
      .map((id) => this.unmade.get(id))
      .find((number) => number !== undefined);
    if (maker !== undefined) return `needs the file of #${maker}`;
    return this.silences >= MOST_SILENCES ? 'the server stopped answering' : null;
  }
}

/** Headers were not recorded; without these no server could answer as it did then. */
function headersLike({ status, responseType }: RecordedRequest): Record<string, string> {
  return {
    accept: responseType === 'text/event-stream' ? responseType : '*/*',
    ...(status === 206 && { range: 'bytes=0-' }),
    ...(status === 304 && { 'if-none-match': '*' }),
  };
}

/** Resolves early when `signal` aborts. */
async function wait(ms: number, signal: AbortSignal): Promise<void> {
  for (let left = ms; left > 0 && !signal.aborted; left -= LONGEST_TIMER_MS) {
    // oxlint-disable-next-line no-await-in-loop -- one after the other
    await delay(Math.min(left, LONGEST_TIMER_MS), undefined, { signal }).catch(() => {});
  }
}

import type { CampaignContext } from '../campaign.ts';
import { pause } from '../processes/scratch.ts';
import type { Listener } from './listener.ts';

/** An end, and how soon it closes what is open. */
export interface Closing {
  /** Who ended it, in the words of a message. */
  readonly by: string;
  readonly endedAt: number;
  readonly withinMs: number;
  /** The process that ended it is the one that holds the streams. */
  readonly isHere: boolean;
}

/** Streams of an ended session close in time, with the words for it, and say nothing more; how long each took, in ms. */
export function checkClosed(
  listeners: readonly Listener[],
  { by, endedAt, withinMs, isHere }: Closing,
  { violation }: Pick<CampaignContext, 'violation'>,
): Promise<number[]> {
  const waitMs = endedAt + withinMs - Date.now() + 50;
  return Promise.all(
    listeners.map(async (listener) => {
      const { kind } = listener;
      const end = await Promise.race([listener.ended, pause(waitMs).then(() => null)]);
      if (!end) {
        violation(`${kind} still open ${withinMs} ms after the end by ${by}`);
        return withinMs;
      }
      const tookMs = end.closedAt - endedAt;
      if (tookMs > withinMs) violation(`${kind} closed ${tookMs} ms after the end by ${by}`);
      if (!['session-ended', '4401'].includes(end.how)) violation(`${kind} ended with ${end.how}`);
      if (listener.afterTheEnd !== '') violation(`${kind}: after the last words came more`);
      if (isHere && listener.lastSaidAt > endedAt) {
        violation(`${kind}: said ${listener.lastSaidAt - endedAt} ms after the end by ${by}`);
      }
      return tookMs;
    }),
  );
}

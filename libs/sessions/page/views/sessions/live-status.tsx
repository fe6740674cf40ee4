import { useEffect, useState } from 'preact/hooks';
import { usePage } from '../../state/page-context.js';
import type { LiveList } from '../../state/use-live-list.js';
import { texts } from '../../text/texts.js';

interface Properties extends Pick<LiveList, 'live' | 'reconnect'> {
  readonly isPaused: boolean;
  readonly onPause: (isPaused: boolean) => void;
}

/** Whether what is shown is up to date, and a way to hold it still. */
export function LiveStatus({ live, reconnect, isPaused, onPause }: Properties) {
  const { announce } = usePage();
  const retryAt = live.kind === 'disconnected' ? live.retryAt : null;
  const seconds = useSecondsUntil(retryAt);
  useEffect(() => {
    if (live.kind !== 'connecting') announce(texts.live.states[live.kind]);
  }, [live.kind, announce]);
  return (
    <p class={`live ${live.kind}`}>
      <span class="dot" aria-hidden="true" />
      <span class="state">{texts.live.states[live.kind]}</span>
      {seconds !== null && <span>{texts.live.retryIn(seconds)}</span>}
      {live.kind === 'disconnected' && (
        <button type="button" onClick={reconnect}>
          {texts.live.retryNow}
        </button>
      )}
      <button type="button" onClick={() => onPause(!isPaused)}>
        {isPaused ? texts.live.resume : texts.live.pause}
      </button>
    </p>
  );
}

function useSecondsUntil(instant: number | null): number | null {
  const [, tick] = useState(0);
  useEffect(() => {
    if (instant === null) return undefined;
    const timer = setInterval(() => tick((count) => count + 1), 1000);
    return () => clearInterval(timer);
  }, [instant]);
  return instant === null ? null : Math.max(0, Math.ceil((instant - Date.now()) / 1000));
}

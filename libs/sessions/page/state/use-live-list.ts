import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { adminUrl, type Parameters } from '../server/admin-url.js';
import type { SessionList } from '../server/answers.js';
import { LiveFeed } from '../server/live-feed.js';
import { usePage } from './page-context.js';
import { useAnswer } from './use-answer.js';
import { useVisible } from './use-visible.js';

export type LiveState =
  | { readonly kind: 'connecting' | 'live' | 'stalled' | 'paused' | 'hidden' }
  | { readonly kind: 'disconnected'; readonly retryAt: number };

/** Later pages have no events: they are read again so often. */
const LATER_PAGE_MS = 5000;
/** A page may be empty and not the last: the server looks at a bounded number of sessions. So often it is asked to go on. */
const MOST_EMPTY_PAGES = 50;

/** The shortest list: of a later page only the totals are followed. */
const TOTALS_ALONE = { limit: 1, resources: 'none' };

export interface LiveList {
  readonly list: SessionList | null;
  /** What the list answers: it changes when something else is asked for, not with each update. */
  readonly key: string;
  readonly active: number | null;
  readonly live: LiveState;
  readonly reconnect: () => void;
  readonly fault: ReturnType<typeof useAnswer>['fault'];
  readonly isLoading: boolean;
  readonly reload: () => void;
}

/** One page of the list, kept up to date while it is seen and not paused. */
export function useLiveList(parameters: Parameters, isPaused: boolean): LiveList {
  const { server, signIn, isSignedOut } = usePage();
  const isVisible = useVisible();
  const key = JSON.stringify(parameters);
  const isFirst = parameters['cursor'] === undefined;
  const isFollowed = isVisible && !isPaused && !isSignedOut;
  const { answer, fault, isLoading, reload } = useAnswer(
    key,
    (signal) => readPage(parameters, (page) => server.get<SessionList>([], page, signal)),
    isFollowed && !isFirst ? LATER_PAGE_MS : null,
  );
  const [pushed, setPushed] = useState<{ key: string; list: SessionList } | null>(null);
  const [active, setActive] = useState<number | null>(null);
  const [link, setLink] = useState<LiveState>({ kind: 'connecting' });
  const [tries, setTries] = useState(0);
  // The newer of what was read and what was pushed.
  const read = useRef(answer);
  if (read.current !== answer) {
    read.current = answer;
    if (pushed !== null) setPushed(null);
  }

  // The events would be refused as the list was, again and again.
  const followsList = isFirst && fault?.status !== 400;
  useEffect(() => {
    if (!isFollowed) return undefined;
    setLink({ kind: 'connecting' });
    const feed = new LiveFeed(adminUrl(['ui', 'events'], followsList ? parameters : TOTALS_ALONE), {
      onPage: (list) => followsList && setPushed({ key, list }),
      onTotals: (totals) => setActive(totals.active),
      onLive: () => setLink((before) => (before.kind === 'live' ? before : { kind: 'live' })),
      onFault: () => setLink({ kind: 'stalled' }),
      onLost: (retryInMs) => {
        setLink({ kind: 'disconnected', retryAt: Date.now() + retryInMs });
        void server.lookAgain();
      },
    });
    feed.open();
    return () => feed.close();
  }, [key, isFollowed, followsList, signIn, tries]);

  const reconnect = useCallback(() => setTries((count) => count + 1), []);
  useEffect(() => {
    addEventListener('online', reconnect);
    return () => removeEventListener('online', reconnect);
  }, [reconnect]);

  const list = pushed?.key === key ? pushed.list : answer;
  return {
    list,
    key,
    active: active ?? list?.stats?.active_sessions ?? null,
    live: stateOf(isVisible, isPaused, link),
    reconnect,
    // What was pushed since is newer.
    fault: pushed?.key === key ? null : fault,
    isLoading,
    reload,
  };
}

function stateOf(isVisible: boolean, isPaused: boolean, link: LiveState): LiveState {
  if (isPaused) return { kind: 'paused' };
  return isVisible ? link : { kind: 'hidden' };
}

async function readPage(
  parameters: Parameters,
  read: (parameters: Parameters) => Promise<SessionList>,
): Promise<SessionList> {
  let list = await read(parameters);
  for (let pages = 1; isUnfinished(list) && pages < MOST_EMPTY_PAGES; pages += 1) {
    list = await read({ ...parameters, cursor: list.next_cursor });
  }
  return list;
}

function isUnfinished({ sessions, next_cursor: next }: SessionList): boolean {
  return sessions.length === 0 && next !== undefined;
}

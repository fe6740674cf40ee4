import { useEffect, useState } from 'preact/hooks';
import { isAbort } from '../server/server.js';
import { ServerFault } from '../server/server-fault.js';
import { useAnswer, type Answered } from './use-answer.js';

export interface Pages<Item> extends Omit<Answered<readonly Item[]>, 'answer'> {
  /** Of all pages so far; `null` before the first. */
  readonly items: readonly Item[] | null;
  readonly hasMore: boolean;
  readonly more: () => void;
}

export interface PageOf<Item> {
  readonly items: readonly Item[];
  readonly next: string | undefined;
}

/** A list that grows by a page at a time. With `everyMs` it is read again while nobody has asked for more than its first page. */
export function usePages<Item>(
  key: string,
  read: (cursor: string | undefined, signal: AbortSignal) => Promise<PageOf<Item>>,
  everyMs: number | null = null,
): Pages<Item> {
  const [rest, setRest] = useState<PageOf<Item> | null>(null);
  const first = useAnswer(key, (signal) => read(undefined, signal), rest === null ? everyMs : null);
  const [isAdding, setAdding] = useState(false);
  const [fault, setFault] = useState<ServerFault | null>(null);
  // What was added belongs to the first page that was there then.
  useEffect(() => {
    setRest(null);
    setFault(null);
  }, [first.answer]);

  const last = rest ?? first.answer;
  const more = async (): Promise<void> => {
    if (!last?.next || isAdding) return;
    setAdding(true);
    try {
      const page = await read(last.next, new AbortController().signal);
      setRest({ items: [...(rest?.items ?? []), ...page.items], next: page.next });
      setFault(null);
    } catch (error) {
      if (!isAbort(error)) setFault(error instanceof ServerFault ? error : new ServerFault(null, []));
    } finally {
      setAdding(false);
    }
  };
  return {
    items: first.answer && [...first.answer.items, ...(rest?.items ?? [])],
    hasMore: last?.next !== undefined,
    more: () => void more(),
    fault: fault ?? first.fault,
    isLoading: first.isLoading || isAdding,
    reload: first.reload,
  };
}

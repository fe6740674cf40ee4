import { useCallback, useEffect, useRef, useState } from 'preact/hooks';
import { isAbort } from '../server/server.js';
import { ServerFault } from '../server/server-fault.js';
import { usePage } from './page-context.js';
import { useVisible } from './use-visible.js';

export interface Answered<Answer> {
  /** The latest one for this key; `null` before the first. It stays while it is read again, and when that fails. */
  readonly answer: Answer | null;
  /** Why the latest reading failed. */
  readonly fault: ServerFault | null;
  readonly isLoading: boolean;
  readonly reload: () => void;
}

interface State<Answer> {
  readonly key: string;
  readonly answer: Answer | null;
  readonly fault: ServerFault | null;
  readonly isLoading: boolean;
}

/** Reads from the server: now, when the key changes, after a new sign-in, and with `everyMs` again and again while it is seen. */
export function useAnswer<Answer>(
  key: string,
  read: (signal: AbortSignal) => Promise<Answer>,
  everyMs: number | null = null,
): Answered<Answer> {
  const { signIn, isSignedOut } = usePage();
  const isVisible = useVisible();
  const [asked, setAsked] = useState(0);
  const [state, setState] = useState<State<Answer>>({ key, answer: null, fault: null, isLoading: true });
  const latestRead = useRef(read);
  latestRead.current = read;

  useEffect(() => {
    const gone = new AbortController();
    const ask = async (): Promise<void> => {
      setState((before) => ({ ...kept(before, key), isLoading: true }));
      try {
        const answer = await latestRead.current(gone.signal);
        if (!gone.signal.aborted) setState({ key, answer, fault: null, isLoading: false });
      } catch (error) {
        if (isAbort(error) || gone.signal.aborted) return;
        const fault = error instanceof ServerFault ? error : new ServerFault(null, [String(error)]);
        setState((before) => ({ ...kept(before, key), fault, isLoading: false }));
      }
    };
    void ask();
    return () => gone.abort();
  }, [key, signIn, asked]);

  const isDue = everyMs !== null && isVisible && !isSignedOut && !state.isLoading;
  useEffect(() => {
    if (!isDue) return undefined;
    const timer = setTimeout(() => setAsked((count) => count + 1), everyMs);
    return () => clearTimeout(timer);
  }, [isDue, everyMs]);

  const reload = useCallback(() => setAsked((count) => count + 1), []);
  const { answer, fault, isLoading } =
    state.key === key ? state : { answer: null, fault: null, isLoading: true };
  return { answer, fault, isLoading, reload };
}

function kept<Answer>(before: State<Answer>, key: string): State<Answer> {
  return before.key === key ? before : { key, answer: null, fault: null, isLoading: true };
}

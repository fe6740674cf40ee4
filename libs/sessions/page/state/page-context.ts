import { createContext } from 'preact';
import { useContext } from 'preact/hooks';
import type { Access } from '../server/answers.js';
import type { Server } from '../server/server.js';

export interface PageContext {
  readonly server: Server;
  readonly access: Access;
  /** Whether what is shown may also be ended. */
  readonly mayEnd: boolean;
  /** Changes with each sign-in: what failed for want of one is read again. */
  readonly signIn: number;
  /** Whether the cookie is refused, and a form asks for another: nothing is asked of the server meanwhile. */
  readonly isSignedOut: boolean;
  /** Says something to a screen reader. */
  readonly announce: (text: string) => void;
}

const Context = createContext<PageContext | null>(null);
export const PageProvider = Context.Provider;

export function usePage(): PageContext {
  const page = useContext(Context);
  if (page === null) throw new Error('There is no page around this component.');
  return page;
}

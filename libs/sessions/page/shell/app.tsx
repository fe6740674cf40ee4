import { useCallback, useEffect, useMemo, useState } from 'preact/hooks';
import { FaultNotice } from '../parts/fault-notice.js';
import { Loading } from '../parts/loading.js';
import type { Access } from '../server/answers.js';
import { ServerFault } from '../server/server-fault.js';
import { Server } from '../server/server.js';
import { SignInDialog } from '../sign-in/sign-in-dialog.js';
import { SignInPage } from '../sign-in/sign-in-page.js';
import { PageProvider } from '../state/page-context.js';
import { useRoute } from '../state/use-route.js';
import { Announcer } from './announcer.js';
import { Shell } from './shell.js';

type SignIn =
  | { readonly kind: 'unknown'; readonly fault: ServerFault | null }
  | { readonly kind: 'out'; readonly isAfterSignOut: boolean }
  /** `isOver`: the cookie is refused since; what is shown stays. */
  | { readonly kind: 'in'; readonly access: Access; readonly count: number; readonly isOver: boolean };

export function App() {
  const route = useRoute();
  const [signIn, setSignIn] = useState<SignIn>({ kind: 'unknown', fault: null });
  const [said, announce] = useState('');
  const server = useMemo(
    () =>
      new Server(
        () => setSignIn((before) => (before.kind === 'in' ? { ...before, isOver: true } : before)),
        (access) => setSignIn((before) => (before.kind === 'in' ? { ...before, access } : before)),
      ),
    [],
  );

  const enter = useCallback(
    (access: Access) =>
      setSignIn((before) => ({
        kind: 'in',
        access,
        count: before.kind === 'in' ? before.count + 1 : 1,
        isOver: false,
      })),
    [],
  );
  const ask = useCallback(async () => {
    try {
      const access = await server.access();
      if (access) enter(access);
      else setSignIn({ kind: 'out', isAfterSignOut: false });
    } catch (error) {
      setSignIn({ kind: 'unknown', fault: error instanceof ServerFault ? error : new ServerFault(null, []) });
    }
  }, [server, enter]);
  useEffect(() => void ask(), [ask]);

  if (signIn.kind === 'unknown') {
    return (
      <main class="sign-in-page">
        {signIn.fault ? <FaultNotice fault={signIn.fault} onRetry={() => void ask()} /> : <Loading />}
      </main>
    );
  }
  if (signIn.kind === 'out') {
    return <SignInPage server={server} isAfterSignOut={signIn.isAfterSignOut} onSignedIn={enter} />;
  }
  const { access, count, isOver } = signIn;
  const mayEnd = access.access === 'full';
  return (
    <PageProvider value={{ server, access, mayEnd, signIn: count, isSignedOut: isOver, announce }}>
      <Shell route={route} onSignedOut={() => setSignIn({ kind: 'out', isAfterSignOut: true })} />
      <Announcer text={said} />
      {isOver && <SignInDialog server={server} onSignedIn={enter} />}
    </PageProvider>
  );
}

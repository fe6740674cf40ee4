import { useRef, useState } from 'preact/hooks';
import { FaultNotice } from '../parts/fault-notice.js';
import { ServerFault } from '../server/server-fault.js';
import { hashOf, VIEWS, type Route } from '../state/route.js';
import { usePage } from '../state/page-context.js';
import { texts } from '../text/texts.js';
import { AuditView } from '../views/audit/audit-view.js';
import { HealthView } from '../views/health/health-view.js';
import { SessionView } from '../views/session/session-view.js';
import { SessionsView } from '../views/sessions/sessions-view.js';
import { TrendsView } from '../views/trends/trends-view.js';
import { UsersView } from '../views/users/users-view.js';
import { ShortcutsHint } from './shortcuts-hint.js';
import { useShortcuts } from './use-shortcuts.js';

interface Properties {
  readonly route: Route;
  readonly onSignedOut: () => void;
}

export function Shell({ route, onSignedOut }: Properties) {
  const { server, access } = usePage();
  const [fault, setFault] = useState<ServerFault | null>(null);
  // A list that is held still is so when somebody comes back to it.
  const [isPaused, pause] = useState(false);
  const way = useRef<Way>({ listHash: hashOf('sessions'), lastId: null });
  if (route.view === 'sessions' && route.id === null)
    way.current.listHash = location.hash || hashOf('sessions');
  if (route.view === 'sessions' && route.id !== null) way.current.lastId = route.id;
  useShortcuts(route, way.current.listHash);

  const signOut = async (): Promise<void> => {
    try {
      await server.signOut();
      onSignedOut();
    } catch (error) {
      setFault(error instanceof ServerFault ? error : new ServerFault(null, []));
    }
  };

  return (
    <>
      <a class="skip" href="#main" onClick={skipToMain}>
        {texts.skip}
      </a>
      <header class="bar">
        <nav aria-label={texts.views}>
          {VIEWS.map((view) => (
            <a key={view} href={hashOf(view)} aria-current={route.view === view ? 'page' : undefined}>
              {texts.viewNames[view]}
            </a>
          ))}
        </nav>
        <p class="signed-in">
          {access.access === 'read' && <span class="badge">{texts.readOnly}</span>}
          <span>
            {texts.key} <code>{access.key_id}</code>
          </span>
          <button type="button" onClick={() => void signOut()}>
            {texts.signIn.out}
          </button>
        </p>
      </header>
      <main id="main" tabIndex={-1}>
        <FaultNotice fault={fault} />
        <View route={route} way={way.current} isPaused={isPaused} onPause={pause} />
      </main>
      <ShortcutsHint />
    </>
  );
}

/** Where somebody came from. */
interface Way {
  /** The latest list, with its filter and page. */
  listHash: string;
  /** The session that was looked at last. */
  lastId: string | null;
}

interface ViewProperties {
  readonly route: Route;
  readonly way: Readonly<Way>;
  readonly isPaused: boolean;
  readonly onPause: (isPaused: boolean) => void;
}

function View({ route, way, ...pausing }: ViewProperties) {
  switch (route.view) {
    case 'sessions':
      return route.id === null ? (
        <SessionsView parameters={route.parameters} returnTo={way.lastId} {...pausing} />
      ) : (
        <SessionView key={route.id} id={route.id} listHash={way.listHash} />
      );
    case 'users':
      return <UsersView parameters={route.parameters} />;
    case 'trends':
      return <TrendsView parameters={route.parameters} />;
    case 'health':
      return <HealthView />;
    case 'audit':
      return <AuditView parameters={route.parameters} />;
  }
}

/** The hash is the route: a jump within the page must not change it. */
function skipToMain(event: Event): void {
  event.preventDefault();
  document.getElementById('main')?.focus();
}

import type { Access } from '../server/answers.js';
import type { Server } from '../server/server.js';
import { texts } from '../text/texts.js';
import { SignInForm } from './sign-in-form.js';

interface Properties {
  readonly server: Server;
  /** Whether somebody has just signed out. */
  readonly isAfterSignOut: boolean;
  readonly onSignedIn: (access: Access) => void;
}

export function SignInPage({ server, isAfterSignOut, onSignedIn }: Properties) {
  return (
    <main class="sign-in-page">
      <h1>{texts.title}</h1>
      {isAfterSignOut && <p role="status">{texts.signIn.signedOut}</p>}
      <SignInForm server={server} onSignedIn={onSignedIn} />
    </main>
  );
}

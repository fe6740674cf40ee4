import { Dialog } from '../parts/dialog.js';
import type { Access } from '../server/answers.js';
import type { Server } from '../server/server.js';
import { texts } from '../text/texts.js';
import { SignInForm } from './sign-in-form.js';

interface Properties {
  readonly server: Server;
  readonly onSignedIn: (access: Access) => void;
}

/** The cookie is over in the midst of work: what is on the page stays under the dialog. */
export function SignInDialog({ server, onSignedIn }: Properties) {
  return (
    <Dialog title={texts.signIn.expiredTitle} onClose={null}>
      <p>{texts.signIn.expired}</p>
      <SignInForm server={server} onSignedIn={onSignedIn} />
    </Dialog>
  );
}

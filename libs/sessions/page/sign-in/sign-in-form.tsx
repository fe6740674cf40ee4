import { useEffect, useId, useRef, useState } from 'preact/hooks';
import type { Access } from '../server/answers.js';
import { ServerFault } from '../server/server-fault.js';
import type { Server } from '../server/server.js';
import { texts } from '../text/texts.js';

interface Properties {
  readonly server: Server;
  readonly onSignedIn: (access: Access) => void;
}

/** The token is in the field and in one request, and nowhere else. */
export function SignInForm({ server, onSignedIn }: Properties) {
  const id = useId();
  const field = useRef<HTMLInputElement>(null);
  const [fault, setFault] = useState<ServerFault | null>(null);
  const [isBusy, setBusy] = useState(false);
  useEffect(() => field.current?.focus(), []);

  const signIn = async (token: string): Promise<void> => {
    setBusy(true);
    try {
      const access = await server.signIn(token);
      setFault(null);
      onSignedIn(access);
    } catch (error) {
      setFault(error instanceof ServerFault ? error : new ServerFault(null, []));
      field.current?.select();
    } finally {
      setBusy(false);
    }
  };

  return (
    <form
      class="sign-in"
      onSubmit={(event) => {
        event.preventDefault();
        if (!isBusy && field.current?.value) void signIn(field.current.value);
      }}
    >
      <label for={id}>{texts.signIn.token}</label>
      <input
        ref={field}
        id={id}
        type="password"
        autocomplete="off"
        autocapitalize="none"
        spellcheck={false}
        required
        aria-invalid={fault !== null}
        aria-describedby={`${id}-fault ${id}-hint`}
      />
      <p id={`${id}-fault`} class="fault" role="alert">
        {fault && texts.signIn.fault(fault.status, fault.messages, fault.retryAfterSeconds)}
      </p>
      <p id={`${id}-hint`} class="hint">
        {texts.signIn.hint}
      </p>
      <button class="primary" aria-disabled={isBusy}>
        {texts.signIn.button}
      </button>
    </form>
  );
}

import type { SessionsCore } from '../../core/core.js';
import { idsFrom } from '../../domain/ids.js';
import { findSessionId, LEAST_OF_ID } from '../../operate/lists/session-id.js';
import { CommandFailure, EXIT, usage } from '../output/command-failure.js';

/** Whether a session id may begin with the text, which is long enough. Asks no store. */
export function mayBeSessionId(text: string): boolean {
  return text.length >= LEAST_OF_ID && idsFrom(text.toLowerCase()) !== null;
}

/** Checks what was given for the id of a session, before a store is opened. */
export function sessionIdText(text: string): string {
  if (mayBeSessionId(text)) return text;
  throw usage(
    `a session id is a UUID, or at least its first ${LEAST_OF_ID} characters if no other id begins so: see \`list\``,
  );
}

/** The id of the session, live or over, that the text names; of a whole id the store may know nothing. */
export async function resolveSessionId(core: SessionsCore, text: string): Promise<string> {
  const found = await findSessionId(core, text);
  switch (found.kind) {
    case 'found':
      return found.id;
    case 'none':
      throw unknownSession();
    case 'several':
      throw usage(`several sessions have an id that begins with ${text}: ${found.ids.join(', ')}`);
  }
}

export function unknownSession(): CommandFailure {
  return new CommandFailure(EXIT.notFound, 'no session has this id, or it ended too long ago');
}

export function noSuchSession(): CommandFailure {
  return new CommandFailure(EXIT.notFound, 'no live session has this id');
}

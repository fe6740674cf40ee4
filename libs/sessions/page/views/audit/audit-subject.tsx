import { UserText } from '../../parts/user-text.js';
import type { AuditEntry } from '../../server/answers.js';
import { hashOf } from '../../state/route.js';
import { texts } from '../../text/texts.js';

interface Properties {
  readonly entry: AuditEntry;
}

/** On what it was done: a session is a link. */
export function AuditSubject({ entry: { deed, subject } }: Properties) {
  if (subject === null) return <>{texts.none}</>;
  if (deed !== 'end') return <UserText text={subject} />;
  return (
    <a class="id" href={hashOf('sessions', {}, subject)} title={subject}>
      {subject.slice(0, 8)}
    </a>
  );
}

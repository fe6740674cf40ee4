import type { Actor } from '../server/answers.js';
import { texts } from '../text/texts.js';
import { UserText } from './user-text.js';

interface Properties {
  readonly actor: Actor | null;
}

/** Who did something. */
export function ActorName({ actor }: Properties) {
  switch (actor?.kind) {
    case undefined:
      return <>{texts.none}</>;
    case 'client':
    case 'app':
      return <>{texts.actors[actor.kind]}</>;
    case 'job':
      return (
        <>
          {texts.actors.job} {actor.job} <UserText text={`${actor.host}:${actor.pid}`} />
        </>
      );
    case 'limit':
      return (
        <>
          {texts.actors.limit} <code>{actor.option}</code>
        </>
      );
    case 'admin':
      return (
        <>
          {texts.actors.admin} <code>{actor.key_id}</code>
        </>
      );
    case 'cli':
      return (
        <>
          {texts.actors.cli} <UserText text={`${actor.user}@${actor.host}`} />
        </>
      );
  }
}

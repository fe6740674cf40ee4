import { hashOf } from '../../state/route.js';
import { texts } from '../../text/texts.js';

interface Properties {
  readonly parameters: Readonly<Record<string, string>>;
  readonly next: string | undefined;
}

/** Pages are links, so that back and forward work. A cursor knows only what comes after it. */
export function PageLinks({ parameters, next }: Properties) {
  const { cursor, page = '1', ...others } = parameters;
  if (cursor === undefined && next === undefined) return null;
  const number = Number(page);
  return (
    <nav class="pages" aria-label={texts.pages.label}>
      {cursor !== undefined && <a href={hashOf('sessions', others)}>{texts.pages.first}</a>}
      <span>{texts.pages.page(number)}</span>
      {next !== undefined && (
        <a href={hashOf('sessions', { ...others, cursor: next, page: String(number + 1) })}>
          {texts.pages.next}
        </a>
      )}
    </nav>
  );
}

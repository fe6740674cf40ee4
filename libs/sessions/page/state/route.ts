export const VIEWS = ['sessions', 'users', 'trends', 'health', 'audit'] as const;
export type ViewName = (typeof VIEWS)[number];

/**
 * What the page shows. It is in the hash of the URL: a link shows the same again, back and forward work, and no server logs the
 * ids of users that are in a filter.
 */
export interface Route {
  readonly view: ViewName;
  /** The session that is shown, of the view `sessions`. */
  readonly id: string | null;
  readonly parameters: Readonly<Record<string, string>>;
}

/** What is no route is the list. */
export function readRoute(hash: string): Route {
  const [path = '', query = ''] = hash.replace(/^#\/?/, '').split(/\?(.*)/s);
  const [name, id = ''] = path.split('/');
  const view = VIEWS.find((one) => one === name) ?? 'sessions';
  return {
    view,
    id: view === 'sessions' && id !== '' ? decoded(id) : null,
    parameters: Object.fromEntries(new URLSearchParams(query)),
  };
}

export function hashOf(
  view: ViewName,
  parameters: Readonly<Record<string, string | undefined>> = {},
  id?: string,
): string {
  const given = Object.entries(parameters).filter((pair): pair is [string, string] => Boolean(pair[1]));
  const query = new URLSearchParams(given).toString();
  const path = id === undefined ? view : `${view}/${encodeURIComponent(id)}`;
  return `#${path}${query === '' ? '' : `?${query}`}`;
}

function decoded(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    return text;
  }
}

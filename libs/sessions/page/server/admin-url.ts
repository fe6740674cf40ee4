/**
 * Where the admin routes are, whatever is in front of them: a global prefix, a version, a path of a proxy. The page is at
 * `ui` or `ui/` below them.
 */
const BASE = new URL(document.baseURI);
BASE.pathname = BASE.pathname.replace(/ui\/?$/, '');
BASE.search = '';
BASE.hash = '';

export type Parameters = Readonly<Record<string, string | number | undefined>>;

/** The URL of an admin route: `adminUrl(['users', id])`, `adminUrl([])` for the list. */
export function adminUrl(segments: readonly string[], parameters: Parameters = {}): string {
  const path = segments.map(encodeURIComponent).join('/');
  // The list is at the prefix itself, without a slash.
  const url = new URL(path === '' ? BASE.pathname.replace(/\/$/, '') : path, BASE);
  for (const [name, value] of Object.entries(parameters)) {
    if (value !== undefined) url.searchParams.set(name, String(value));
  }
  return url.href;
}

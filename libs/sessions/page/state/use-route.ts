import { useEffect, useState } from 'preact/hooks';
import { readRoute, type Route } from './route.js';

export function useRoute(): Route {
  const [route, setRoute] = useState(() => readRoute(location.hash));
  useEffect(() => {
    const read = (): void => setRoute(readRoute(location.hash));
    addEventListener('hashchange', read);
    return () => removeEventListener('hashchange', read);
  }, []);
  return route;
}

/** Shows another route; `replace`: "back" does not return to the one before. */
export function navigate(hash: string, how: 'push' | 'replace' = 'push'): void {
  if (how === 'push') location.hash = hash;
  else location.replace(hash);
}

import { useEffect, useState } from 'preact/hooks';
import { usePage } from './page-context.js';

/** The time of the server, anew with each second; while it is held, the second at which that began. */
export function useSeconds(isHeld: boolean): number {
  const { server } = usePage();
  const [now, setNow] = useState(() => server.now());
  useEffect(() => {
    if (isHeld) return undefined;
    setNow(server.now());
    const timer = setInterval(() => setNow(server.now()), 1000);
    return () => clearInterval(timer);
  }, [server, isHeld]);
  return now;
}

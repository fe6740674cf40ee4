import { useEffect, useState } from 'preact/hooks';

const DARK = matchMedia('(prefers-color-scheme: dark)');

/** What is drawn on a canvas has to be drawn again in other colors. */
export function useDarkMode(): boolean {
  const [isDark, setDark] = useState(DARK.matches);
  useEffect(() => {
    const read = (): void => setDark(DARK.matches);
    DARK.addEventListener('change', read);
    return () => DARK.removeEventListener('change', read);
  }, []);
  return isDark;
}

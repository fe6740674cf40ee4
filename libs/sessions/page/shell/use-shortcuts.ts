import { useEffect } from 'preact/hooks';
import { hashOf, type Route } from '../state/route.js';
import { navigate } from '../state/use-route.js';

export const FILTER_ID = 'filter';

/** `/` goes to the filter; escape leaves a session for the list that it was opened from. */
export function useShortcuts(route: Route, listHash: string): void {
  useEffect(() => {
    const press = (event: KeyboardEvent): void => {
      if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
      // A dialog has the keyboard for itself.
      if (document.querySelector('dialog[open]') || isTyping(event.target)) return;
      if (event.key === '/') {
        event.preventDefault();
        goToFilter();
      } else if (event.key === 'Escape' && route.id !== null) {
        navigate(listHash);
      }
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, [route.id, listHash]);
}

function goToFilter(): void {
  const field = document.getElementById(FILTER_ID);
  if (field) {
    field.focus();
    return;
  }
  navigate(hashOf('sessions'));
  // The list is shown with the next frame.
  requestAnimationFrame(() => requestAnimationFrame(() => document.getElementById(FILTER_ID)?.focus()));
}

function isTyping(target: EventTarget | null): boolean {
  if (target instanceof HTMLInputElement) return !['checkbox', 'radio', 'button'].includes(target.type);
  return target instanceof HTMLTextAreaElement || target instanceof HTMLSelectElement;
}

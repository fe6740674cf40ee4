import { usePage } from '../state/page-context.js';
import { texts } from '../text/texts.js';

export function ShortcutsHint() {
  const { mayEnd } = usePage();
  const { select: _, ...others } = texts.shortcuts;
  return (
    <footer class="shortcuts">
      {Object.values(mayEnd ? texts.shortcuts : others).map(([key, meaning]) => (
        <span key={key}>
          <kbd>{key}</kbd> {meaning}
        </span>
      ))}
    </footer>
  );
}

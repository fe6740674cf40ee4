import { texts } from '../text/texts.js';

export function ShortcutsHint() {
  return (
    <footer class="shortcuts">
      {texts.shortcuts.map(([key, meaning]) => (
        <span key={key}>
          <kbd>{key}</kbd> {meaning}
        </span>
      ))}
    </footer>
  );
}

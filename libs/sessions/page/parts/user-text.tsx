import { visibleParts } from '../text/visible-text.js';

interface Properties {
  readonly text: string;
}

/** Text that a visitor, or another system, wrote. It cannot turn the text around it, and hides nothing. */
export function UserText({ text }: Properties) {
  return (
    <bdi class="user-text">
      {visibleParts(text).map((part) =>
        part.isCode ? <span class="code-point">{part.text}</span> : part.text,
      )}
    </bdi>
  );
}

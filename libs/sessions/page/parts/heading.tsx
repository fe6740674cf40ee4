import { useEffect, useRef } from 'preact/hooks';
import { texts } from '../text/texts.js';

interface Properties {
  readonly text: string;
}

let isFirst = true;

/** The heading of a view. It takes the focus when the view is shown, so that reading goes on there; not when the page is opened. */
export function Heading({ text }: Properties) {
  const heading = useRef<HTMLHeadingElement>(null);
  useEffect(() => {
    document.title = text === texts.title ? text : `${text} – ${texts.title}`;
    if (!isFirst) heading.current?.focus({ preventScroll: true });
    isFirst = false;
  }, [text]);
  return (
    <h1 ref={heading} tabIndex={-1}>
      {text}
    </h1>
  );
}

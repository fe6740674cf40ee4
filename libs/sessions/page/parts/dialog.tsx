import type { ComponentChildren } from 'preact';
import { useEffect, useId, useLayoutEffect, useRef } from 'preact/hooks';

interface Properties {
  readonly title: string;
  /** Called by escape; `null`: the dialog stays. */
  readonly onClose: (() => void) | null;
  readonly children: ComponentChildren;
}

/** Holds the focus until it is closed, then gives it back to where it was. */
export function Dialog({ title, onClose, children }: Properties) {
  const id = useId();
  const dialog = useRef<HTMLDialogElement>(null);
  const onCloseNow = useRef(onClose);
  onCloseNow.current = onClose;

  useLayoutEffect(() => {
    const element = dialog.current;
    element?.showModal();
    return () => element?.close();
  }, []);

  // A browser lets nobody be held by a page: the second escape closes in any case.
  useEffect(() => {
    const element = dialog.current;
    const reopen = (): void => {
      if (!element?.isConnected || element.open) return;
      if (onCloseNow.current) onCloseNow.current();
      else element.showModal();
    };
    element?.addEventListener('close', reopen);
    return () => element?.removeEventListener('close', reopen);
  }, []);

  return (
    <dialog
      ref={dialog}
      aria-labelledby={id}
      onCancel={(event) => {
        event.preventDefault();
        onClose?.();
      }}
    >
      <h2 id={id}>{title}</h2>
      {children}
    </dialog>
  );
}

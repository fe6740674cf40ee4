import type { ComponentChildren } from 'preact';

interface Properties {
  readonly label: string;
  readonly children: ComponentChildren;
}

/** A table that scrolls within itself on a narrow screen, also by keyboard. */
export function TableRegion({ label, children }: Properties) {
  return (
    <div class="table-region" role="group" aria-label={label} tabIndex={0}>
      <table>{children}</table>
    </div>
  );
}

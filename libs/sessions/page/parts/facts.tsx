import { Fragment, type ComponentChildren } from 'preact';

interface Properties {
  /** Names and values; what is `null` is left out. */
  readonly facts: readonly (readonly [name: string, value: ComponentChildren] | null)[];
}

export function Facts({ facts }: Properties) {
  return (
    <dl class="facts">
      {facts
        .filter((fact) => fact !== null)
        .map(([name, value]) => (
          <Fragment key={name}>
            <dt>{name}</dt>
            <dd>{value}</dd>
          </Fragment>
        ))}
    </dl>
  );
}

interface Properties {
  readonly text: string;
}

/** Says to a screen reader what others see change. */
export function Announcer({ text }: Properties) {
  return (
    <p class="unseen" role="status" aria-live="polite">
      {text}
    </p>
  );
}

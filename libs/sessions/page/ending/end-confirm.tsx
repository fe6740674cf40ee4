import { useEffect, useId, useRef, useState } from 'preact/hooks';
import { Facts } from '../parts/facts.js';
import { Time } from '../parts/time.js';
import { UserText } from '../parts/user-text.js';
import type { BulkReport } from '../server/answers.js';
import { formatBytes, formatNumber } from '../text/format.js';
import { texts } from '../text/texts.js';
import type { EndTarget } from './end-target.js';

/** More than so many, and their number has to be typed. */
const MOST_WITHOUT_TYPING = 10;

interface Properties {
  readonly plan: BulkReport;
  readonly target: EndTarget;
  readonly onEnd: () => void;
  readonly onCancel: () => void;
}

export function EndConfirm({ plan, target, onEnd, onCancel }: Properties) {
  const id = useId();
  const number = useRef<HTMLInputElement>(null);
  const cancel = useRef<HTMLButtonElement>(null);
  const [typed, setTyped] = useState('');
  const { matched, resources, bytes, as_of: asOf } = plan;
  const isTyped = matched > MOST_WITHOUT_TYPING;
  const isReady = !isTyped || typed.trim() === String(matched);
  useEffect(() => (number.current ?? cancel.current)?.focus(), []);

  if (matched === 0) {
    return (
      <>
        <p>{texts.ending.none}</p>
        <p class="actions">
          <button type="button" ref={cancel} onClick={onCancel}>
            {texts.close}
          </button>
        </p>
      </>
    );
  }
  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        if (isReady) onEnd();
      }}
    >
      <Facts
        facts={[
          target.kind === 'filter' ? [texts.filter.label, <UserText text={target.text} />] : null,
          [texts.ending.sessions, formatNumber(matched)],
          [texts.ending.files, formatNumber(resources)],
          [texts.columns.bytes, formatBytes(bytes)],
        ]}
      />
      <p>{texts.ending.consequence}</p>
      {target.kind === 'filter' && (
        <p class="hint">
          {texts.ending.asOf} <Time at={asOf} />
        </p>
      )}
      {isTyped && (
        <p>
          <label for={id}>{texts.ending.type(matched)}</label>
          <input
            id={id}
            ref={number}
            inputMode="numeric"
            autocomplete="off"
            value={typed}
            onInput={({ currentTarget }) => setTyped(currentTarget.value)}
          />
        </p>
      )}
      <p class="actions">
        <button class="danger" disabled={!isReady}>
          {texts.ending.end(matched)}
        </button>
        <button type="button" ref={cancel} onClick={onCancel}>
          {texts.cancel}
        </button>
      </p>
    </form>
  );
}

import { useEffect, useLayoutEffect, useRef, useState } from 'preact/hooks';
import { FILTER_ID } from '../../shell/use-shortcuts.js';
import { FILTER_TERMS, readFilter, type FilterFault } from '../../state/session-filter.js';
import { texts } from '../../text/texts.js';

interface Properties {
  /** The filter that is in force. */
  readonly text: string;
  readonly onFilter: (text: string) => void;
  readonly onSession: (id: string) => void;
  readonly onDown: () => void;
  /** Told whether the box has another filter than the one in force. */
  readonly onEdit: (isEdited: boolean) => void;
}

export function FilterBox({ text, onFilter, onSession, onDown, onEdit }: Properties) {
  const field = useRef<HTMLInputElement>(null);
  const [draft, setDraft] = useState(text);
  const [faults, setFaults] = useState<readonly FilterFault[]>([]);
  useEffect(() => {
    setDraft(text);
    const read = readFilter(text);
    setFaults(read.kind === 'invalid' ? read.faults : []);
  }, [text]);
  const isEdited = draft.trim() !== text;
  useLayoutEffect(() => onEdit(isEdited), [isEdited]);

  const submit = (): void => {
    const read = readFilter(draft);
    setFaults(read.kind === 'invalid' ? read.faults : []);
    if (read.kind === 'session') onSession(read.id);
    else if (read.kind === 'valid') onFilter(draft.trim());
  };
  const press = (event: KeyboardEvent): void => {
    if (event.key === 'Escape') {
      event.preventDefault();
      setFaults([]);
      if (draft === text) field.current?.blur();
      else setDraft(text);
    } else if (event.key === 'ArrowDown') {
      event.preventDefault();
      onDown();
    }
  };
  const add = (term: string): void => {
    setDraft(draft === '' || draft.endsWith(' ') ? draft + term : `${draft} ${term}`);
    field.current?.focus();
  };

  return (
    <form
      class="filter"
      role="search"
      onSubmit={(event) => {
        event.preventDefault();
        submit();
      }}
    >
      <label for={FILTER_ID}>{texts.filter.label}</label>
      <div class="row">
        <input
          ref={field}
          id={FILTER_ID}
          value={draft}
          onInput={({ currentTarget }) => setDraft(currentTarget.value)}
          onKeyDown={press}
          placeholder={texts.filter.placeholder}
          autocomplete="off"
          autocapitalize="none"
          spellcheck={false}
          aria-invalid={faults.length > 0}
          aria-describedby={`${FILTER_ID}-faults`}
        />
        <button>{texts.filter.button}</button>
        {(text !== '' || draft !== '') && (
          <button
            type="button"
            onClick={() => {
              setDraft('');
              setFaults([]);
              onFilter('');
            }}
          >
            {texts.filter.clear}
          </button>
        )}
      </div>
      <p class="terms">
        {FILTER_TERMS.map((term) => (
          <button key={term} type="button" title={texts.filter.terms[term]} onClick={() => add(term)}>
            {term}
          </button>
        ))}
      </p>
      <div id={`${FILTER_ID}-faults`} class="fault" role="alert">
        {faults.map((fault, index) => (
          <p key={index}>{texts.filter.fault(fault)}</p>
        ))}
      </div>
    </form>
  );
}

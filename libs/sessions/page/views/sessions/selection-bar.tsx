import { narrows, type FilterParameters } from '../../state/session-filter.js';
import type { Selection } from '../../state/use-selection.js';
import type { EndTarget } from '../../ending/end-target.js';
import { texts } from '../../text/texts.js';

interface Properties {
  readonly selection: Selection;
  readonly filter: FilterParameters;
  readonly onEnd: (target: EndTarget) => void;
}

/** What can be done with several sessions. */
export function SelectionBar({ selection, filter, onEnd }: Properties) {
  const count = selection.ids.size;
  return (
    <div class="selection" role="group" aria-label={texts.ending.several}>
      {count > 0 && (
        <>
          <span>{texts.selected(count)}</span>
          <button
            type="button"
            class="danger"
            onClick={() => onEnd({ kind: 'ids', ids: [...selection.ids] })}
          >
            {texts.ending.selected}
          </button>
          <button type="button" onClick={selection.clear}>
            {texts.clearSelection}
          </button>
        </>
      )}
      {narrows(filter) && (
        <button type="button" class="danger" onClick={() => onEnd({ kind: 'filter', filter })}>
          {texts.ending.allThatMatch}
        </button>
      )}
    </div>
  );
}

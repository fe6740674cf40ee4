import { narrows, type FilterParameters } from '../../state/session-filter.js';
import type { Selection } from '../../state/use-selection.js';
import type { EndTarget } from '../../ending/end-target.js';
import { texts } from '../../text/texts.js';

interface Properties {
  readonly selection: Selection;
  readonly filter: FilterParameters;
  /** The filter as it was typed. */
  readonly text: string;
  /** Whether the box has another filter, which is not in force. */
  readonly isEdited: boolean;
  readonly onEnd: (target: EndTarget) => void;
}

/** What can be done with several sessions. */
export function SelectionBar({ selection, filter, text, isEdited, onEnd }: Properties) {
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
        <button
          type="button"
          class="danger"
          disabled={isEdited}
          title={isEdited ? texts.ending.applyFirst : undefined}
          onClick={() => onEnd({ kind: 'filter', filter, text })}
        >
          {texts.ending.allThatMatch}
        </button>
      )}
    </div>
  );
}

import { useEffect, useRef, useState } from 'preact/hooks';
import { TableRegion } from '../../parts/table-region.js';
import type { LiveSession } from '../../server/answers.js';
import type { Selection } from '../../state/use-selection.js';
import { texts } from '../../text/texts.js';
import { ariaSort, COLUMNS, nextSort, type Column } from './columns.js';
import { SessionRow } from './session-row.js';

interface Properties {
  readonly rows: readonly LiveSession[];
  readonly gone: ReadonlySet<string>;
  readonly now: number;
  readonly sort: string;
  readonly onSort: (sort: string) => void;
  /** `null`: nothing can be selected, since nothing may be ended. */
  readonly selection: Selection | null;
  /** The session that was looked at before: its row takes the focus, once. */
  readonly returnTo: string | null;
  readonly onReturned: () => void;
}

export function SessionTable({ rows, gone, now, sort, onSort, selection, returnTo, onReturned }: Properties) {
  const body = useRef<HTMLTableSectionElement>(null);
  const [current, setCurrent] = useState<string | null>(returnTo);
  const isListed = rows.some(({ session_id: id }) => id === current);
  const stop = isListed ? current : (rows[0]?.session_id ?? null);
  const isEmpty = rows.length === 0;
  useEffect(() => {
    if (returnTo === null || isEmpty) return;
    body.current?.querySelector<HTMLElement>(`tr[data-id="${CSS.escape(returnTo)}"] a`)?.focus();
    onReturned();
  }, [isEmpty]);

  const ids = rows.map(({ session_id: id }) => id);
  const areAllSelected = selection !== null && ids.length > 0 && ids.every((id) => selection.ids.has(id));
  return (
    <TableRegion label={texts.viewNames.sessions}>
      <thead>
        <tr>
          {selection && (
            <th class="select" scope="col">
              <input
                type="checkbox"
                checked={areAllSelected}
                aria-label={texts.selectPage}
                onChange={({ currentTarget }) => selection.set(ids, currentTarget.checked)}
              />
            </th>
          )}
          {COLUMNS.map((column) => (
            <ColumnHead key={column.name} column={column} sort={sort} onSort={onSort} />
          ))}
        </tr>
      </thead>
      <tbody
        ref={body}
        onKeyDown={moveByArrows}
        onFocusIn={({ target }) => setCurrent((target as HTMLElement).closest('tr')?.dataset['id'] ?? null)}
      >
        {rows.map((session) => (
          <SessionRow
            key={session.session_id}
            session={session}
            now={now}
            isGone={gone.has(session.session_id)}
            isCurrent={session.session_id === stop}
            isSelected={selection && selection.ids.has(session.session_id)}
            onSelect={(isSelected) => selection?.set([session.session_id], isSelected)}
          />
        ))}
      </tbody>
    </TableRegion>
  );
}

interface HeadProperties extends Pick<Properties, 'sort' | 'onSort'> {
  readonly column: Column;
}

function ColumnHead({ column, sort, onSort }: HeadProperties) {
  const { name, sort: by, isNumber } = column;
  const direction = ariaSort(column, sort);
  return (
    <th scope="col" class={isNumber ? 'number' : undefined} aria-sort={direction}>
      {by === undefined ? (
        texts.columns[name]
      ) : (
        <button type="button" class="sort" onClick={() => onSort(nextSort(by, sort))}>
          {texts.columns[name]}
          <span aria-hidden="true">
            {direction === undefined ? ' ↕' : direction === 'ascending' ? ' ↑' : ' ↓'}
          </span>
        </button>
      )}
    </th>
  );
}

/** From row to row, in the same column; space selects. */
function moveByArrows(event: KeyboardEvent): void {
  const from = event.target as HTMLElement;
  const row = from.closest('tr');
  const box = row?.querySelector<HTMLInputElement>('input[type="checkbox"]');
  if (event.key === ' ' && box && from !== box) {
    event.preventDefault();
    box.click();
    return;
  }
  const to = rowAfter(row, event.key);
  if (!to) return;
  event.preventDefault();
  to.querySelector<HTMLElement>(from === box ? 'input' : 'a')?.focus();
}

function rowAfter(row: Element | null | undefined, key: string): Element | null | undefined {
  switch (key) {
    case 'ArrowDown':
      return row?.nextElementSibling;
    case 'ArrowUp':
      return row?.previousElementSibling;
    case 'Home':
      return row?.parentElement?.firstElementChild;
    case 'End':
      return row?.parentElement?.lastElementChild;
    default:
      return null;
  }
}

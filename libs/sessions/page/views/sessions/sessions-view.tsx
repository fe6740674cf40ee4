import { useEffect, useMemo, useRef, useState } from 'preact/hooks';
import { EndDialog } from '../../ending/end-dialog.js';
import type { EndTarget } from '../../ending/end-target.js';
import { FaultNotice } from '../../parts/fault-notice.js';
import { Heading } from '../../parts/heading.js';
import { Loading } from '../../parts/loading.js';
import type { LiveSession, PastSession } from '../../server/answers.js';
import { hashOf } from '../../state/route.js';
import { usePage } from '../../state/page-context.js';
import { readFilter, type FilterParameters } from '../../state/session-filter.js';
import { useLiveList } from '../../state/use-live-list.js';
import { navigate } from '../../state/use-route.js';
import { useSeconds } from '../../state/use-seconds.js';
import { useSelection } from '../../state/use-selection.js';
import { useSteadyRows } from '../../state/use-steady-rows.js';
import { texts } from '../../text/texts.js';
import { DEFAULT_SORT } from './columns.js';
import { EndedTable } from './ended-table.js';
import { FilterBox } from './filter-box.js';
import { LiveStatus } from './live-status.js';
import { PageLinks } from './page-links.js';
import { SelectionBar } from './selection-bar.js';
import { SessionTable } from './session-table.js';

const PAGE_SIZE = 100;
const NO_ROWS: readonly never[] = [];

interface Properties {
  readonly parameters: Readonly<Record<string, string>>;
  readonly returnTo: string | null;
  readonly isPaused: boolean;
  readonly onPause: (isPaused: boolean) => void;
}

/** The list of sessions, live. All that it shows is in `parameters`: `q` (the filter as it was typed), `sort`, `cursor`, `page`. */
export function SessionsView({ parameters, returnTo, isPaused, onPause }: Properties) {
  const { mayEnd } = usePage();
  const { q: text = '', sort = DEFAULT_SORT, cursor } = parameters;
  const filter = useMemo(() => filterOf(text), [text]);
  const isEnded = filter.state === 'ended';
  const list = useLiveList(
    {
      limit: PAGE_SIZE,
      // Of ended sessions the server knows one order, and no resources.
      ...(!isEnded && { sort, resources: 'none' }),
      ...(cursor && { cursor }),
      ...filter,
    },
    isPaused,
  );
  const rows = (list.list?.sessions ?? NO_ROWS) as readonly LiveSession[];
  const steady = useSteadyRows(list.key, rows);
  const now = useSeconds(list.live.kind === 'paused' || list.live.kind === 'hidden');
  const selection = useSelection();
  const [target, setTarget] = useState<EndTarget | null>(null);
  const [isEdited, setEdited] = useState(false);
  const back = useRef(returnTo);
  // Whoever chose a session sees it.
  useEffect(selection.clear, [text]);
  const show = (changed: Record<string, string | undefined>): void =>
    navigate(hashOf('sessions', { q: text, sort: parameters['sort'], ...changed }));

  return (
    <>
      <div class="title">
        <Heading text={texts.viewNames.sessions} />
        <p class="count">{list.active !== null && texts.open(list.active)}</p>
        <LiveStatus live={list.live} reconnect={list.reconnect} isPaused={isPaused} onPause={onPause} />
      </div>
      <FilterBox
        text={text}
        onFilter={(q) => show({ q })}
        onSession={(id) => navigate(hashOf('sessions', {}, id))}
        onDown={focusFirstRow}
        onEdit={setEdited}
      />
      <FaultNotice fault={list.fault} onRetry={list.reload} />
      {(list.list !== null || list.isLoading) && (
        <div
          class="list"
          aria-busy={list.isLoading}
          onPointerEnter={({ pointerType }) => pointerType === 'mouse' && steady.hold('pointer', true)}
          onPointerLeave={({ pointerType }) => pointerType === 'mouse' && steady.hold('pointer', false)}
          onFocusIn={({ target }) => steady.hold('keyboard', isReachedByKeyboard(target))}
          onFocusOut={() => steady.hold('keyboard', false)}
        >
          <div class="list-bar">
            {list.list === null ? (
              <Loading />
            ) : (
              <p>
                {texts.listed(steady.rows.length, cursor === undefined, list.list.next_cursor !== undefined)}
              </p>
            )}
            {steady.waiting > 0 && (
              <button type="button" class="primary" onClick={steady.showAll}>
                {texts.live.waiting(steady.waiting)}
              </button>
            )}
            {mayEnd && !isEnded && (
              <SelectionBar
                selection={selection}
                filter={filter}
                text={text}
                isEdited={isEdited}
                onEnd={setTarget}
              />
            )}
          </div>
          {list.list !== null && steady.rows.length === 0 ? (
            <p class="empty">{text === '' ? texts.noSessions : texts.noMatches}</p>
          ) : isEnded ? (
            <EndedTable rows={steady.rows as readonly unknown[] as readonly PastSession[]} />
          ) : (
            <SessionTable
              rows={steady.rows}
              gone={steady.gone}
              now={now}
              sort={sort}
              onSort={(next) => show({ sort: next })}
              selection={mayEnd ? selection : null}
              returnTo={back.current}
              onReturned={() => (back.current = null)}
            />
          )}
          <PageLinks parameters={parameters} next={list.list?.next_cursor} />
        </div>
      )}
      {target && (
        <EndDialog
          target={target}
          onClose={(hasEnded) => {
            setTarget(null);
            if (!hasEnded) return;
            selection.clear();
            steady.showNext();
            list.reload();
          }}
        />
      )}
    </>
  );
}

/** Of a filter that cannot be read, nothing: its faults are shown, and no other sessions than all can be meant. */
function filterOf(text: string): FilterParameters {
  const read = readFilter(text);
  return read.kind === 'valid' ? read.parameters : {};
}

/** A click leaves the focus where it was done: that alone holds nothing. */
function isReachedByKeyboard(target: EventTarget | null): boolean {
  return target instanceof Element && target.matches('tbody :focus-visible');
}

function focusFirstRow(): void {
  document.querySelector<HTMLElement>('tbody tr a')?.focus();
}

import { useRef, useState } from 'preact/hooks';
import { allRows, heldRows, type SteadyRows } from './steady-rows.js';

/** What is about to act on a row. */
type Holder = 'pointer' | 'keyboard';

export interface Steady<Row> extends SteadyRows<Row> {
  /** While it is held, rows keep their places and new ones wait. */
  readonly hold: (by: Holder, isHeld: boolean) => void;
  /** Shows all that wait, though it is held. */
  readonly showAll: () => void;
  /** Shows all of what comes next, though it is held: for somebody who has changed it. */
  readonly showNext: () => void;
}

/** Rows that do not move while somebody is about to act on them. `key` changes when other rows are asked for: those are shown at once. */
export function useSteadyRows<Row extends { readonly session_id: string }>(
  key: string,
  incoming: readonly Row[],
): Steady<Row> {
  const [holders, setHolders] = useState<Readonly<Record<Holder, boolean>>>({
    pointer: false,
    keyboard: false,
  });
  const isHeld = holders.pointer || holders.keyboard;
  const [, showAgain] = useState(0);
  const shown = useRef<{ key: string; steady: SteadyRows<Row> } | null>(null);
  const awaited = useRef<readonly Row[] | null>(null);
  const isAwaited = awaited.current !== null && awaited.current !== incoming;
  if (isAwaited) awaited.current = null;
  const before = shown.current;
  const steady =
    isHeld && !isAwaited && before?.key === key && before.steady.rows.length > 0
      ? heldRows(before.steady.rows, incoming)
      : allRows(incoming);
  shown.current = { key, steady };
  const showAll = (): void => {
    shown.current = null;
    showAgain((count) => count + 1);
  };
  const hold = (by: Holder, isNow: boolean): void => setHolders((before) => ({ ...before, [by]: isNow }));
  const showNext = (): void => void (awaited.current = incoming);
  return { ...steady, hold, showAll, showNext };
}

export interface SteadyRows<Row> {
  readonly rows: readonly Row[];
  /** Ids of rows that are still shown, and are no longer in what the server sent. */
  readonly gone: ReadonlySet<string>;
  /** Rows that the server sent, and that are not shown yet. */
  readonly waiting: number;
}

export function allRows<Row>(rows: readonly Row[]): SteadyRows<Row> {
  return { rows, gone: new Set(), waiting: 0 };
}

/** Rows that stay where they are, with what is known of them now: for as long as somebody points at them. */
export function heldRows<Row extends { readonly session_id: string }>(
  shown: readonly Row[],
  incoming: readonly Row[],
): SteadyRows<Row> {
  const known = new Map(incoming.map((row) => [row.session_id, row]));
  const rows = shown.map((row) => known.get(row.session_id) ?? row);
  const shownIds = new Set(shown.map(({ session_id: id }) => id));
  return {
    rows,
    gone: new Set([...shownIds].filter((id) => !known.has(id))),
    waiting: incoming.filter(({ session_id: id }) => !shownIds.has(id)).length,
  };
}

import type { ComponentChildren } from 'preact';
import { TableRegion } from './table-region.js';

/** A column: what stands at its head, and in each row. */
export interface TableColumn<Row> {
  readonly title: string;
  /** Of head and cells. */
  readonly class?: string;
  /** Of cells that differ from their head. */
  readonly cellClass?: (row: Row) => string;
  /** Whether its cells name their rows. */
  readonly isRowHead?: boolean;
  readonly isSorted?: boolean;
  readonly hint?: (row: Row) => string;
  readonly cell: (row: Row, index: number) => ComponentChildren;
}

interface Properties<Row> {
  readonly label: string;
  readonly rows: readonly Row[];
  readonly keyOf: (row: Row, index: number) => string | number;
  readonly columns: readonly TableColumn<Row>[];
}

/** A table that is only read: each column is told once, for its head and its cells. */
export function ColumnTable<Row>({ label, rows, keyOf, columns }: Properties<Row>) {
  return (
    <TableRegion label={label}>
      <thead>
        <tr>
          {columns.map(({ title, class: classes, isSorted }) => (
            <th key={title} scope="col" class={classes} aria-sort={isSorted ? 'descending' : undefined}>
              {title}
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {rows.map((row, index) => (
          <tr key={keyOf(row, index)}>
            {columns.map(({ title, class: classes, cellClass, isRowHead, hint, cell }) => {
              const shared = { class: cellClass?.(row) ?? classes, title: hint?.(row) };
              return isRowHead ? (
                <th key={title} scope="row" {...shared}>
                  {cell(row, index)}
                </th>
              ) : (
                <td key={title} {...shared}>
                  {cell(row, index)}
                </td>
              );
            })}
          </tr>
        ))}
      </tbody>
    </TableRegion>
  );
}

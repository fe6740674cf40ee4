/** How values and line breaks are written. */
export interface JsonFormat {
  /** JSON of a value that begins at this depth. */
  readonly text: (value: unknown, depth: number) => string;
  /** Before an entry of this depth. */
  readonly line: (depth: number) => string;
  /** After a colon. */
  readonly space: string;
}

const COMPACT: JsonFormat = { text: (value) => JSON.stringify(value), line: () => '', space: '' };

/** JSON of `{ [name]: [...], ...rest }` in pieces, a slice of the list at a time. */
export async function* listJson(
  name: string,
  slices: AsyncIterable<readonly unknown[]>,
  rest: () => Promise<object>,
  format: JsonFormat = COMPACT,
): AsyncGenerator<string, void, void> {
  const { text, line, space } = format;
  yield `{${line(1)}${JSON.stringify(name)}:${space}[`;
  let separator = '';
  for await (const slice of slices) {
    let piece = '';
    for (const item of slice) {
      piece += `${separator}${line(2)}${text(item, 2)}`;
      separator = ',';
    }
    yield piece;
  }
  yield separator === '' ? ']' : `${line(1)}]`;
  for (const [key, value] of Object.entries(await rest())) {
    yield `,${line(1)}${JSON.stringify(key)}:${space}${text(value, 1)}`;
  }
  yield `${line(0)}}`;
}

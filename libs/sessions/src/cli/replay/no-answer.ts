/** The target did not answer a request: it cannot be reached, says nothing, or broke off. */
export class NoAnswer extends Error {
  override readonly name = 'NoAnswer';

  constructor(
    /** Whether there was a connection. */
    readonly reached: boolean,
    /** A code of Node, or words. */
    readonly reason: string,
    options: ErrorOptions = {},
  ) {
    super(reason, options);
  }

  static from(error: Error & { readonly code?: unknown }, reached: boolean): NoAnswer {
    const { code, message } = error;
    return new NoAnswer(reached, typeof code === 'string' ? code : message, { cause: error });
  }
}

/** A group of operations as the thread that holds the database performs them: each answers at once. */
export type InOneThread<Group> = {
  [Operation in keyof Group]: Group[Operation] extends (...args: infer Args) => Promise<infer Answer>
    ? (...args: Args) => Answer
    : never;
};

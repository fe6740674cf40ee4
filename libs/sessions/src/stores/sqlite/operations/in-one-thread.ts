/** A group of operations in synchronous form. */
export type InOneThread<Group> = {
  [Operation in keyof Group]: Group[Operation] extends (...args: infer Args) => Promise<infer Answer>
    ? (...args: Args) => Answer
    : never;
};

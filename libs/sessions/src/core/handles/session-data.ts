/**
 * The types of the application's data, by key. Declare yours:
 *
 * ```ts
 * declare module 'nest-sessions' {
 *   interface SessionDataTypes {
 *     cart: { items: string[] };
 *   }
 * }
 * ```
 */
// oxlint-disable-next-line typescript/no-empty-interface -- applications add to it
export interface SessionDataTypes {}

/** A declared key. */
export type SessionDataKey = Extract<keyof SessionDataTypes, string>;

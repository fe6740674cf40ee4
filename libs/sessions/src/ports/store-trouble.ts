/**
 * What is wrong with the data of a store, as far as this process knows. Only an operator can mend it.
 * - `damaged`: parts of the data cannot be read; it stays until a restart.
 * - `deleted`, `replaced`: the database that this process opened is no longer at its path, or another one is. The store
 *   answers nothing until it is back.
 */
export type StoreTrouble = 'damaged' | 'deleted' | 'replaced';

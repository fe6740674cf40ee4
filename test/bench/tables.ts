import type { Table } from './harness/table.ts';

export interface Scope {
  /** Less of everything: whether it runs, not how fast. */
  readonly short: boolean;
}

type Measure = (scope: Scope) => Promise<Table[]>;

/** Loaded when they are asked for. */
const TABLES: Readonly<Record<string, () => Promise<Measure>>> = {
  request: async () => (await import('./tables/request.table.ts')).measureRequests,
  throttled: async () => (await import('./tables/added.table.ts')).measureThrottled,
  data: async () => (await import('./tables/added.table.ts')).measureData,
  journal: async () => (await import('./tables/journal.table.ts')).measureJournal,
  flush: async () => (await import('./tables/flush.table.ts')).measureFlush,
  opening: async () => (await import('./tables/opening.table.ts')).measureOpening,
  scale: async () => (await import('./tables/scale.table.ts')).measureScale,
  pages: async () => (await import('./tables/pages.table.ts')).measurePages,
  deleting: async () => (await import('./tables/deleting.table.ts')).measureDeleting,
  orphans: async () => (await import('./tables/orphans.table.ts')).measureOrphans,
  uploads: async () => (await import('./tables/uploads.table.ts')).measureUploads,
  cli: async () => (await import('./tables/cli.table.ts')).measureCli,
};

export const tableNames: readonly string[] = Object.keys(TABLES);

export async function measure(name: string, scope: Scope): Promise<Table[]> {
  const load = TABLES[name];
  if (!load) throw new Error(`There is no table ${name}.`);
  return (await load())(scope);
}

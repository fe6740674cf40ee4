import type { EntryRow, Records, SessionRow } from './database.ts';
import type { Ledger } from './ledger.ts';

/** No deed without its entry, no entry without its deed, whenever the process was killed. */
export function checkTimelines(records: Records, ledger: Ledger): string[] {
  const faults = records.sessions.flatMap((session) =>
    compareSession(session, records.timelines.get(session.id) ?? []).map(
      (fault) => `the timeline of session ${session.id} ${fault}`,
    ),
  );
  return [...faults, ...compareEvictions(records, ledger)];
}

function compareSession(
  { state, endReason, loggedInAt, userHash }: SessionRow,
  entries: readonly EntryRow[],
): string[] {
  const faults: string[] = [];
  const of = (kind: string): EntryRow[] => entries.filter((entry) => entry.kind === kind);
  if (of('opened').length !== 1 || entries[0]?.kind !== 'opened')
    faults.push(`has ${of('opened').length} openings, and begins with ${entries[0]?.kind}`);
  const ends = of('ended').map(({ reason }) => reason);
  const expected = state === 'open' ? [] : [endReason];
  if (ends.join() !== expected.join())
    faults.push(`tells of the ends [${ends.join()}], and it is ${state} for ${endReason}`);
  const login = of('login').at(-1);
  if ((login?.at ?? null) !== loggedInAt)
    faults.push(`tells of a last login at ${login?.at}, and it was at ${loggedInAt}`);
  if ((login?.userHash ?? null) !== userHash) faults.push(`names another user than the session`);
  return faults;
}

/** The campaign ends before a timeline is dropped, or full. */
function compareEvictions({ timelines, evicted, resources }: Records, ledger: Ledger): string[] {
  const told = [...timelines.values()].flat().filter(({ kind }) => kind === 'evicted');
  const fresh = told.filter(({ resourceId = '' }) => !ledger.evictions.has(resourceId));
  const counted = evicted - ledger.evicted;
  const faults: string[] = [];
  if (fresh.length !== counted)
    faults.push(`${counted} files were evicted, and timelines tell of ${fresh.length}`);
  for (const { resourceId = '' } of fresh) ledger.evictions.add(resourceId);
  ledger.evicted = evicted;
  const ready = new Set(resources.filter(({ state }) => state === 'ready').map(({ id }) => id));
  const back = told.filter(({ resourceId = '' }) => ready.has(resourceId));
  return [
    ...faults,
    ...back.map(({ resourceId }) => `a timeline tells that ${resourceId} was evicted, and it is there`),
  ];
}

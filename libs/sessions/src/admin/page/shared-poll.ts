import {
  catchError,
  defer,
  finalize,
  from,
  map,
  of,
  repeat,
  ReplaySubject,
  share,
  timer,
  type Observable,
} from 'rxjs';

/** What a poll found; `null`: the call failed. */
export type Polled<Found> = { readonly found: Found } | null;

/** A call that took long pauses for longer: it may take a fifth of the time of what it asks. */
const PAUSE_FACTOR = 4;

/**
 * Repeats a call for all who watch, at most once every `periodMs`, and not at all while nobody watches. Who joins gets at once what
 * was found last. `onIdle` is called when nobody watches any more.
 */
export function sharedPoll<Found>(
  ask: () => Promise<Found>,
  periodMs: number,
  onIdle: () => void = () => {},
): Observable<Polled<Found>> {
  let tookMs = 0;
  const asked = defer(() => {
    const begunAt = performance.now();
    return from(ask()).pipe(finalize(() => (tookMs = performance.now() - begunAt)));
  });
  return asked.pipe(
    map((found): Polled<Found> => ({ found })),
    catchError(() => of(null)),
    repeat({ delay: () => timer(Math.max(periodMs, PAUSE_FACTOR * tookMs)) }),
    finalize(onIdle),
    share({ connector: () => new ReplaySubject(1) }),
  );
}

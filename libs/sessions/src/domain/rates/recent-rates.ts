import { countRate, type RateCount, type RateEvent, type RateState } from './rate-count.js';

/** Counts events in the memory of this process, of so many keys: the one that was counted longest ago is forgotten first. */
export class RecentRates {
  private readonly states = new Map<string, RateState>();

  constructor(private readonly maxKeys = 10_000) {}

  count(event: RateEvent): RateCount {
    const { key } = event;
    const known = this.states.get(key) ?? null;
    const { count, changed } = countRate(known, event);
    const state = changed ?? known;
    if (state === null) return count;
    // A Map lists its keys in the order in which they came.
    this.states.delete(key);
    this.states.set(key, state);
    if (this.states.size > this.maxKeys) this.forgetOldest();
    return count;
  }

  private forgetOldest(): void {
    for (const oldest of this.states.keys()) {
      this.states.delete(oldest);
      return;
    }
  }
}

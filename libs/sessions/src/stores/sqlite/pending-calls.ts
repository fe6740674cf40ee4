/**
 * Calls without a reply yet, by the ids that it gives them; an id is given again once it was taken. No `Map`: its tables, which
 * it replaces as entries come and go, keep one another and the answers of long ago alive until a full garbage collection.
 */
export class PendingCalls<Call> {
  size = 0;
  readonly #calls: (Call | null)[] = [];
  readonly #free: number[] = [];

  add(call: Call): number {
    this.size += 1;
    const id = this.#free.pop() ?? this.#calls.length;
    this.#calls[id] = call;
    return id;
  }

  /** `null` if no such call is pending. */
  take(id: number): Call | null {
    const call = this.#calls[id] ?? null;
    if (call === null) return null;
    this.#calls[id] = null;
    this.#free.push(id);
    this.size -= 1;
    return call;
  }

  takeAll(): Call[] {
    return [...this.#calls.keys()].map((id) => this.take(id)).filter((call) => call !== null);
  }
}

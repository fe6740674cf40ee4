/** Runs a call once for all callers that ask while it is running. */
export class SingleFlight<Answer> {
  private running: Promise<Answer> | null = null;

  constructor(private readonly call: () => Promise<Answer>) {}

  /** Settles as the call does. After that, the next `ask` calls again. */
  ask(): Promise<Answer> {
    this.running ??= this.call().finally(() => (this.running = null));
    return this.running;
  }
}

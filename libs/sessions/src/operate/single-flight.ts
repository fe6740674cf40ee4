/** A question whose answer is shared by all who ask while it is under way. */
export class SingleFlight<Answer> {
  private underWay: Promise<Answer> | null = null;

  constructor(private readonly question: () => Promise<Answer>) {}

  /** Rejects as the question does. The next call after that asks again. */
  ask(): Promise<Answer> {
    this.underWay ??= this.question().finally(() => (this.underWay = null));
    return this.underWay;
  }
}

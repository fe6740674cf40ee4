/** Maximum calls per batch, so that other clients of the server do not wait long. */
const MOST = 256;

/** Sends the calls of one turn of the event loop as one batch. If a batch fails, all its calls do. */
export class CallBatcher<Call, Answer> {
  readonly #calls: Call[] = [];
  #answering: Promise<readonly Answer[]> = Promise.resolve([]);

  /** `make` must answer in the order of the calls. */
  constructor(private readonly make: (calls: readonly Call[]) => Promise<readonly Answer[]>) {}

  async ask(call: Call): Promise<Answer | undefined> {
    const index = this.#calls.push(call) - 1;
    if (index === 0) this.#answering = this.#makeAfterThisTurn();
    const answers = await this.#answering;
    return answers[index];
  }

  async #makeAfterThisTurn(): Promise<readonly Answer[]> {
    await new Promise((resolve) => setImmediate(resolve));
    const making: Promise<readonly Answer[]>[] = [];
    while (this.#calls.length > 0) making.push(this.make(this.#calls.splice(0, MOST)));
    return (await Promise.all(making)).flat();
  }
}

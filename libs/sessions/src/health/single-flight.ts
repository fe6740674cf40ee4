const PATIENCE_MS = 1000;

/** A question to something that may hang: nobody waits longer than a second, and it is not asked again meanwhile. */
export class SingleFlight<Answer> {
  private underWay: Promise<Answer | 'unavailable'> | null = null;

  constructor(private readonly question: () => Promise<Answer>) {}

  /** The answer; `unavailable` if there was an error instead, `timeout` if there is none yet. */
  async ask(): Promise<Answer | 'unavailable' | 'timeout'> {
    this.underWay ??= this.question()
      .catch(() => 'unavailable' as const)
      .finally(() => (this.underWay = null));
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<'timeout'>((resolve) => {
      timer = setTimeout(resolve, PATIENCE_MS, 'timeout');
    });
    try {
      return await Promise.race([this.underWay, timeout]);
    } finally {
      clearTimeout(timer);
    }
  }
}

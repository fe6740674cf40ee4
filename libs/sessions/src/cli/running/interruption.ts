const SIGNALS = { SIGINT: 130, SIGTERM: 143 } as const;

/** The first Ctrl-C stops a command cleanly; the second exits at once. */
export class Interruption {
  private readonly controller = new AbortController();
  private readonly listeners = Object.entries(SIGNALS).map(([name, exitCode]) => ({
    name,
    listener: () => this.interrupt(exitCode),
  }));
  /** 128 plus the number of the signal, as shells report it; `null` before the first signal. */
  exitCode: number | null = null;

  constructor() {
    for (const { name, listener } of this.listeners) process.on(name, listener);
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  stopListening(): void {
    for (const { name, listener } of this.listeners) process.off(name, listener);
  }

  private interrupt(exitCode: number): void {
    if (this.exitCode !== null) process.exit(exitCode);
    this.exitCode = exitCode;
    this.controller.abort();
  }
}

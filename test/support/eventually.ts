const EVERY_MS = 50;

/** Waits until `check` gives something other than `null` or `false`; fails when that takes too long. */
export async function eventually<Value>(
  what: string,
  check: () => Promise<Value | null | false>,
  withinMs = 15_000,
): Promise<Value> {
  const deadline = performance.now() + withinMs;
  for (;;) {
    const value = await check();
    if (value !== null && value !== false) return value;
    if (performance.now() > deadline) throw new Error(`In ${withinMs} ms it did not happen that ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, EVERY_MS));
  }
}

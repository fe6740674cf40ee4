/** Parses a scrape as Prometheus does, and throws on lines that Prometheus would reject. */
export class Exposition {
  readonly types = new Map<string, string>();
  readonly helps = new Map<string, string>();
  private readonly samples = new Map<string, number>();

  constructor(text: string) {
    for (const line of text.split('\n')) if (line !== '') this.read(line);
  }

  /** `name{label="value"}`, as written. */
  get series(): string[] {
    return [...this.samples.keys()];
  }

  /** Every series with its value. */
  get values(): Record<string, number> {
    return Object.fromEntries(this.samples);
  }

  value(series: string): number | undefined {
    return this.samples.get(series);
  }

  private read(line: string): void {
    const [, kind, name, rest] = /^# (HELP|TYPE) ([a-z_]+) (.+)$/.exec(line) ?? [];
    if (name && rest) {
      (kind === 'HELP' ? this.helps : this.types).set(name, rest);
      return;
    }
    const [, series, value] =
      /^([a-z_]+(?:\{[a-z_]+="[^"\\\n]*"(?:,[a-z_]+="[^"\\\n]*")*\})?) (\S+)$/.exec(line) ?? [];
    if (!series || Number.isNaN(Number(value))) throw new Error(`Not a line of metrics: ${line}`);
    if (this.samples.has(series)) throw new Error(`Duplicate series: ${series}`);
    this.samples.set(series, Number(value));
  }
}

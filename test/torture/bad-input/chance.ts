/** Choices that the campaign's seed decides. */
export class Chance {
  readonly #random: () => number;

  constructor(random: () => number) {
    this.#random = random;
  }

  /** A whole number from 0, below `end`. */
  below(end: number): number {
    return Math.floor(this.#random() * end);
  }

  oneIn(number: number): boolean {
    return this.below(number) === 0;
  }

  pick<Item>(items: readonly Item[]): Item {
    const item = items[this.below(items.length)];
    if (item === undefined) throw new Error('There is nothing to pick from.');
    return item;
  }

  /** As `pick`, each as often as its weight says. */
  weighed<Item>(items: readonly (readonly [weight: number, item: Item])[]): Item {
    let left = this.below(items.reduce((sum, [weight]) => sum + weight, 0));
    for (const [weight, item] of items) {
      if (left < weight) return item;
      left -= weight;
    }
    throw new Error('There is nothing to pick from.');
  }

  shuffled<Item>(items: readonly Item[]): Item[] {
    const places = items.map((item) => [this.#random(), item] as const);
    return places.toSorted(([one], [other]) => one - other).map(([, item]) => item);
  }

  /** Any byte, as a character. */
  byte(): string {
    return String.fromCharCode(this.below(256));
  }
}

/** Weight of the newest observation in the running estimates, once there are many. */
const SMOOTHING = 0.08;

interface Chance {
  value: number;
  /** Observations so far, the prior counted as one. */
  seen: number;
}

/**
 * How far proposals come true: for each grade (how sure the drafter is, in its own classes) the chance that the token at
 * a depth is right when those above it are.
 */
export class Forecast {
  private readonly chances = new Map<number, Chance[]>();

  /** @param prior the chance before anything was seen */
  constructor(private readonly prior: (grade: number) => number) {}

  /** The chance that a token at `depth` is right when those above it are. A depth that nobody has come to is like the one above. */
  chance(grade: number, depth: number): number {
    const known = this.chances.get(grade);
    return (known?.[depth] ?? known?.[known.length - 1])?.value ?? this.prior(grade);
  }

  /** @param right how many levels of the `depth` proposed ones came true, from the first on */
  observe(grade: number, depth: number, right: number): void {
    const known = this.chances.get(grade) ?? [];
    this.chances.set(grade, known);
    for (let d = 0; d < Math.min(depth, right + 1); d++) {
      known[d] ??= { value: this.chance(grade, d), seen: 1 };
      const chance = known[d];
      chance.value += Math.max(SMOOTHING, 1 / (1 + chance.seen)) * ((d < right ? 1 : 0) - chance.value);
      chance.seen++;
    }
  }

  copy(): Forecast {
    const copy = new Forecast(this.prior);
    for (const [grade, chances] of this.chances) {
      copy.chances.set(
        grade,
        chances.map((chance) => ({ ...chance })),
      );
    }
    return copy;
  }
}

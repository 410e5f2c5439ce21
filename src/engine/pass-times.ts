/** Latest measurements of a number of rows that are kept. */
const KEPT = 8;
/** Passes of a size that must have been measured before it counts as known: first passes are slow. */
const ENOUGH = 2;

/**
 * What passes of a model have taken so far, by their number of rows. Other work on the machine only ever makes a pass
 * slower, so the least of the latest measurements is the estimate.
 */
export class PassTimes {
  private readonly latest = new Map<number, number[]>();
  /** The least of them. */
  private readonly leasts = new Map<number, number>();
  /** Row counts that are known, ascending. */
  private readonly sizes: number[] = [];

  observe(rows: number, ms: number): void {
    const known = this.latest.get(rows) ?? [];
    this.latest.set(rows, known);
    if (known.length === KEPT) known.shift();
    known.push(ms);
    this.leasts.set(rows, Math.min(...known));
    if (known.length !== ENOUGH || this.sizes.includes(rows)) return;
    const place = this.sizes.findIndex((size) => size > rows);
    this.sizes.splice(place < 0 ? this.sizes.length : place, 0, rows);
  }

  /** Rows of the largest known pass; 0 where none is. */
  get largest(): number {
    return this.sizes.at(-1) ?? 0;
  }

  /** Whether a pass of as many rows was measured, or one of fewer and one of more. */
  knows(rows: number): boolean {
    return this.sizes[0] <= rows && rows <= this.largest;
  }

  /** Milliseconds of a pass of as many rows, between known ones by a line. @throws RangeError where nothing is known */
  at(rows: number): number {
    const { sizes } = this;
    const above = sizes.findIndex((size) => size >= rows);
    if (!this.knows(rows)) throw new RangeError(`no pass of ${rows} rows was measured`);
    if (sizes[above] === rows) return this.least(rows);
    const [from, to] = [sizes[above - 1], sizes[above]];
    return this.least(from) + ((this.least(to) - this.least(from)) * (rows - from)) / (to - from);
  }

  private least(rows: number): number {
    return this.leasts.get(rows)!;
  }
}

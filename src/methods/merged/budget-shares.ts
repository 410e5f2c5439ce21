/** Weight of a new step in the running means. */
const SMOOTHING = 0.1;
/** What a drafter is thought to get accepted before it was seen, and the least it is trusted with. */
const PRIOR = 1;
const LEAST = 0.05;

/** Splits a budget of nodes among drafters by how many tokens each had right in recent steps. */
export class BudgetShares {
  private readonly right: number[];

  constructor(count: number) {
    this.right = new Array(count).fill(PRIOR);
  }

  /** Whole numbers that add up to `total`, at least one for everybody while it lasts. */
  split(total: number): number[] {
    const order = this.order();
    const weights = this.right.map((mean) => Math.max(LEAST, mean));
    const sum = weights.reduce((a, b) => a + b, 0);
    const shares = weights.map(() => 0);
    for (const i of order.slice(0, total)) shares[i] = 1;
    const rest = total - Math.min(total, order.length);
    for (const i of order) shares[i] += Math.floor((rest * weights[i]) / sum);
    shares[order[0]] += total - shares.reduce((a, b) => a + b, 0);
    return shares;
  }

  /** The drafters, best first. */
  order(): number[] {
    return [...this.right.keys()].sort((a, b) => this.right[b] - this.right[a] || a - b);
  }

  /** @param nodes that it proposed, the root not counted @param right of them that were found right */
  observe(drafter: number, nodes: number, right: number): void {
    if (nodes > 0) this.right[drafter] += SMOOTHING * (right - this.right[drafter]);
  }

  copy(): BudgetShares {
    const copy = new BudgetShares(0);
    copy.right.push(...this.right);
    return copy;
  }
}

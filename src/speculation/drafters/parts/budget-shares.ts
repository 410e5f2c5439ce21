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
    const weights = this.right.map((mean) => Math.max(LEAST, mean));
    const sum = weights.reduce((a, b) => a + b, 0);
    const shares = weights.map((weight) => Math.floor((total * weight) / sum));
    let left = total - shares.reduce((a, b) => a + b, 0);
    for (const i of [...shares.keys()].filter((j) => shares[j] === 0)) if (left-- > 0) shares[i]++;
    const best = this.order()[0];
    shares[best] += Math.max(0, left);
    return shares;
  }

  /** The drafters, best first. */
  order(): number[] {
    return [...this.right.keys()].sort((a, b) => this.right[b] - this.right[a] || a - b);
  }

  /** @param nodes that it proposed, the root included @param right of them that were found right */
  observe(drafter: number, nodes: number, right: number): void {
    if (nodes <= 1) return;
    this.right[drafter] += SMOOTHING * (right - 1 - this.right[drafter]);
  }

  copy(): BudgetShares {
    const copy = new BudgetShares(0);
    copy.right.push(...this.right);
    return copy;
  }
}

/** A lead, in nats, from which on another choice is an error rather than a near tie. */
const LEAD = 0.5;

/** How near rows of logits are to a reference's: perplexity, mean KL in nats, agreement of the likeliest token. */
export class Agreement {
  positions = 0;
  /** Positions where the reference leads by half a nat. */
  sure = 0;
  private loss = 0;
  private divergence = 0;
  private same = 0;
  private sameWhereSure = 0;

  /** @param truth, row log-probabilities of the reference and of what is compared. @param next the text's next token */
  add(truth: Float64Array, row: Float64Array, next: number): void {
    const [best, second] = leaders(truth);
    const same = leaders(row)[0] === best;
    this.positions++;
    this.loss -= row[next];
    this.divergence += divergence(truth, row);
    if (same) this.same++;
    if (truth[best] - truth[second] <= LEAD) return;
    this.sure++;
    if (same) this.sameWhereSure++;
  }

  get perplexity(): number {
    return Math.exp(this.loss / this.positions);
  }

  get kl(): number {
    return this.divergence / this.positions;
  }

  /** Shares of positions, of all and of those where the reference is sure. */
  get agreement(): [number, number] {
    return [this.same / this.positions, this.sameWhereSure / this.sure];
  }
}

export function logProbabilities(logits: Float32Array): Float64Array {
  const rows = Float64Array.from(logits);
  let max = Number.NEGATIVE_INFINITY;
  for (const value of rows) if (value > max) max = value;
  let sum = 0;
  for (const value of rows) sum += Math.exp(value - max);
  const total = max + Math.log(sum);
  return rows.map((value) => value - total);
}

/** The likeliest token and the next one. */
function leaders(row: Float64Array): [number, number] {
  let [best, second] = row[0] >= row[1] ? [0, 1] : [1, 0];
  for (let i = 2; i < row.length; i++) {
    if (row[i] > row[best]) [best, second] = [i, best];
    else if (row[i] > row[second]) second = i;
  }
  return [best, second];
}

function divergence(p: Float64Array, q: Float64Array): number {
  let sum = 0;
  for (let i = 0; i < p.length; i++) sum += Math.exp(p[i]) * (p[i] - q[i]);
  return sum;
}

/** Tokens drafted for a pass that tokens per pass are given for. */
export const DRAFTED = 4;

/** How well a draft foresees its target, on text that it was not trained on. */
export interface DraftAgreement {
  /** Mean of what is minimised, nats; a total variation of "tv". */
  validationLoss: number;
  /** How often both have the same likeliest token. */
  agreement: number;
  /** How often a token that is sampled from the draft is accepted: 1 minus total variation, a mean. */
  acceptance: number;
  /** Tokens of a pass with four drafted ones, the target's own counted, where both take their likeliest token. */
  tokensPerPass: number;
  /** The same where both sample at temperature 1. */
  sampledTokensPerPass: number;
}

/** Collects rows into means. */
export class AgreementSums {
  private readonly rates = { agreement: { sum: 0, expected: 0 }, acceptance: { sum: 0, expected: 0 } };
  private rows = 0;
  private passes = 0;
  private loss = 0;

  /** @param loss a sum over rows */
  addLoss(loss: number): void {
    this.loss += loss;
  }

  /** Rows that follow each other in a text: a drafted token is kept where all before it are. */
  addText(agreement: Float32Array, acceptance: Float32Array): void {
    this.rows += agreement.length;
    const passes = Math.max(0, agreement.length - DRAFTED + 1);
    this.passes += passes;
    for (const [name, values] of [["agreement", agreement] as const, ["acceptance", acceptance] as const]) {
      const rate = this.rates[name];
      for (const value of values) rate.sum += value;
      for (let from = 0; from < passes; from++) {
        let kept = 1;
        for (let i = 0; i < DRAFTED; i++) {
          kept *= values[from + i];
          rate.expected += kept;
        }
      }
    }
  }

  result(): DraftAgreement {
    const { agreement, acceptance } = this.rates;
    const mean = (sum: number) => sum / Math.max(1, this.rows);
    const perPass = ({ expected }: { expected: number }) => 1 + expected / Math.max(1, this.passes);
    return {
      validationLoss: mean(this.loss),
      agreement: mean(agreement.sum),
      acceptance: mean(acceptance.sum),
      tokensPerPass: perPass(agreement),
      sampledTokensPerPass: perPass(acceptance),
    };
  }
}

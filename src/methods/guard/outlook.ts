import type { PassTimes } from "../../engine/pass-times.js";
import type { DraftContext } from "../drafter.js";
import type { Experience, LevelCost } from "./experience.js";
import type { Forecast } from "./forecast.js";
import type { Returns } from "./returns.js";

/** Speculation must be expected to gain this much over plain decoding: estimates are rough. */
const MARGIN = 1.03;

export type StepFacts = Pick<DraftContext, "sequences" | "rateToBeat">;

/** What proposals of a step are expected to bring and to take. */
export class Outlook {
  constructor(
    private readonly times: PassTimes,
    private readonly experience: Experience,
    private readonly forecast: Forecast,
  ) {}

  /**
   * What a pass takes. Sizes that were never seen are tried, as if they took no longer, up to twice the largest that was: that
   * is how they become known.
   */
  passMs(rows: number, sequences: number): number {
    const { times } = this;
    if (times.knows(rows)) return times.at(rows);
    return rows <= 2 * times.largest ? times.at(sequences) : Number.POSITIVE_INFINITY;
  }

  /** Whether it is known what a step without a proposal takes. */
  knows({ sequences = 1 }: StepFacts): boolean {
    return this.times.knows(sequences);
  }

  /** Tokens a millisecond that the step gives without this proposal. */
  rateToBeat({ sequences = 1, rateToBeat = 0 }: StepFacts): number {
    return Math.max(1 / this.times.at(sequences), rateToBeat);
  }

  /** Tokens a millisecond that a proposal must be expected to give more than. */
  rateWithout(step: StepFacts): number {
    return MARGIN * this.rateToBeat(step);
  }

  /** Tokens a millisecond that time brings which is not spent on this proposal: in other steps, with proposals of their own. */
  rateElsewhere(step: StepFacts): number {
    const { gain = 0 } = this.experience.returns ?? {};
    return Math.max(this.rateWithout(step), gain / this.times.at(step.sequences ?? 1));
  }

  /**
   * Whether steps with proposals give more than those without. Before that is known: whether a level gives more than its
   * drafting takes.
   */
  pays({ gain }: Returns, step: StepFacts): boolean {
    if (!this.knows(step)) return false;
    const { sequences = 1 } = step;
    const rate = this.rateToBeat(step);
    if (gain !== undefined) return gain > rate * this.times.at(sequences);
    return this.forecast.chance(0, 0) > rate * sequences * (this.experience.level?.ms ?? 0);
  }

  /**
   * The depth, at least `from`, at which a step gives the most tokens a millisecond, and how many; 0 where it gives more
   * without this proposal.
   */
  bestDepth(
    grade: number,
    from: number,
    to: number,
    level: LevelCost,
    step: StepFacts,
  ): { depth: number; rate?: number } {
    const { sequences = 1 } = step;
    if (!this.knows(step)) return { depth: 0 };
    const levelMs = sequences * level.ms;
    let best = { depth: 0, rate: this.rateWithout(step) };
    let right = 0;
    let reach = 1;
    for (let depth = 1; depth <= to; depth++) {
      reach *= this.forecast.chance(grade, depth - 1);
      // What this level and any below it may still bring costs more than the best so far: most steps end at the first.
      if (reach < best.rate * levelMs) break;
      right += reach;
      if (depth < from) continue;
      const rows = Math.round(sequences * (1 + depth * level.nodes));
      const ms = this.passMs(rows, sequences) + depth * levelMs;
      const rate = (1 + right) / ms;
      if (rate > best.rate) best = { depth, rate };
    }
    return best.depth > 0 ? best : { depth: 0 };
  }

  /** The levels that a drafter which runs a model for each is worth asking for. */
  costlyDepth(most: number, step: StepFacts): number {
    const { level } = this.experience;
    return level ? this.bestDepth(0, 1, most, level, step).depth : 0;
  }

  /**
   * How many candidates of a level are worth another level below them: as many as bring more than their rows take, if
   * together they bring more than drafting that level takes.
   * @param chances of the candidates to come true, falling
   * @param depth of the candidates, those below the root 1
   */
  worthExpanding(chances: readonly number[], depth: number, step: StepFacts): number {
    const { level } = this.experience;
    const { sequences = 1 } = step;
    if (!level || !this.knows(step)) return chances.length;
    const rate = this.rateElsewhere(step);
    const above = this.passMs(sequences * (depth + 1), sequences);
    const below = this.passMs(sequences * (depth + 2), sequences);
    const rowMs = Number.isFinite(below) ? Math.max(0, below - above) : below;
    const brings = chances
      .map((chance) => chance * this.forecast.chance(0, depth) - rate * rowMs)
      .filter((more) => more > 0);
    const all = brings.reduce((sum, more) => sum + more, 0);
    return all > rate * sequences * level.ms ? brings.length : 0;
  }
}

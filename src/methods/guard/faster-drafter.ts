import { Need } from "../../engine/rows.js";
import { depthOf } from "../../trees/token-tree.js";
import type { DraftContext, Drafter, KnownText, StepPlan } from "../drafter.js";
import { DrafterGroup } from "../merged/drafter-group.js";

/**
 * In every step the one of two drafters that is expected to be faster: one that runs a model, or one that proposes for nothing,
 * such as n-grams. Both are guarded: the model does not run where it is not expected to beat the other's rate.
 */
export class FasterDrafter extends DrafterGroup {
  readonly name: string;

  constructor(
    private readonly modelled: Drafter,
    private readonly lookup: Drafter,
  ) {
    super([modelled, lookup]);
    this.name = modelled.name;
  }

  async propose(context: DraftContext, budget: number): Promise<StepPlan> {
    const found = await this.lookup.propose(context, budget);
    const drafted = await this.modelled.propose({ ...context, rateToBeat: found.rate }, budget);
    if (depthOf(drafted.tree) > 0 || drafted.extra) {
      this.places = [rowsIn(drafted), [0]];
      return withNeedsOf(drafted, found);
    }
    this.places = [[0], rowsIn(found)];
    // What held one back counts where the other proposes nothing either.
    return { ...withNeedsOf(found, drafted), withheld: found.rate ? found.withheld : drafted.withheld };
  }

  fork(): Drafter {
    return new FasterDrafter(this.modelled.fork(), this.lookup.fork());
  }

  /** A replay knows no times: what the one with a model proposes by itself. */
  async recorded(text: KnownText): Promise<Drafter> {
    return (await this.modelled.recorded?.(text)) ?? this.modelled;
  }
}

function rowsIn({ tree, extra }: StepPlan): number[] {
  return Array.from({ length: tree.tokens.length + (extra?.tokens.length ?? 0) }, (_, row) => row);
}

/** A plan with what another drafter wants to observe of the root and of the last right row. */
function withNeedsOf(plan: StepPlan, { needs, needsOfLast = Need.nothing, topK = 1 }: StepPlan): StepPlan {
  return {
    ...plan,
    needs: rowsIn(plan).map(
      (row) => (plan.needs?.[row] ?? Need.nothing) | (row === 0 ? (needs?.[0] ?? Need.nothing) : 0),
    ),
    needsOfLast: (plan.needsOfLast ?? Need.nothing) | needsOfLast,
    topK: Math.max(plan.topK ?? 1, topK),
  };
}

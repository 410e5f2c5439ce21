import type { Drafter, StepPlan } from "../../../src/index.js";
import { NgramPool } from "../../../src/methods/lookahead/ngram-pool.js";
import type { LookaheadWindow } from "../../../src/methods/lookahead/window.js";
import type { TokenId } from "../../../src/types/token.js";
import { inside, spoiled } from "./spoiled.js";

/** Predictions are taken for those of the column before. */
export function windowShifted(drafter: Drafter): Drafter {
  return spoiled(drafter, {
    begun: () => {
      const { window } = inside<{ window: LookaheadWindow }>(drafter);
      const advance = window.advance.bind(window);
      window.advance = (input, [first, ...later]) => advance(input, [...later, first]);
    },
  });
}

/** Rows of the window see the input and nothing else of the window. */
export function windowUnseen(drafter: Drafter): Drafter {
  return spoiled(drafter, {
    plan: ({ extra, ...plan }): StepPlan => ({
      ...plan,
      extra: extra && { ...extra, parents: extra.parents.map(() => 0) },
    }),
  });
}

/** What the window finds never reaches the pool. */
export function poolStale(drafter: Drafter): Drafter {
  return spoiled(drafter, {
    begun: () => {
      inside<{ pool: NgramPool }>(drafter).pool.add = () => {};
    },
  });
}

/** The pool is least recently used the wrong way round: a full list refuses what is new. */
export function poolReversed(drafter: Drafter): Drafter {
  inside<{ pool: NgramPool }>(drafter).pool = new OldestPool(5);
  return drafter;
}

class OldestPool extends NgramPool {
  private readonly kept = new Map<TokenId, (readonly TokenId[])[]>();

  constructor(private readonly most: number) {
    super(most);
  }

  override add(first: TokenId, rest: readonly TokenId[]): void {
    const known = this.kept.get(first) ?? [];
    const isNew = !known.some((other) => other.join() === rest.join());
    this.kept.set(first, isNew ? [...known, rest].slice(0, this.most) : known);
  }

  override after(first: TokenId): readonly (readonly TokenId[])[] {
    return this.kept.get(first) ?? [];
  }
}

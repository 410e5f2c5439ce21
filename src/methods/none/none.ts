import { rootOnly } from "../../trees/token-tree.js";
import type { DraftContext, Drafter, StepPlan } from "../drafter.js";
import type { Method } from "../registry.js";

/** Proposes nothing: plain decoding, one token a pass. */
export class NoneDrafter implements Drafter {
  readonly name = "none";

  async begin(): Promise<void> {}

  async propose({ history }: DraftContext): Promise<StepPlan> {
    return { tree: rootOnly(history.at(history.length - 1)) };
  }

  observe(): void {}

  fork(): Drafter {
    return new NoneDrafter();
  }

  dispose(): void {}
}

export const none: Method = {
  name: "none",
  summary: "plain decoding, one token a pass",
  options: [],
  rank: 0,
  available: () => true,
  create: () => new NoneDrafter(),
};

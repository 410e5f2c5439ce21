import type { ParameterSet } from "../parameters.js";
import { AdamW, type AdamWOptions } from "./adamw.js";
import { GradientNorm } from "./gradient-norm.js";
import { Muon, type MuonOptions } from "./muon.js";
import type { Optimiser } from "./optimiser.js";

/** Parameters that are changed alike. Muon takes matrices; the others of its group go by AdamW with the same decay. */
export interface ParameterGroup {
  names: readonly string[];
  optimiser: "adamw" | "muon";
  /** Multiplied with the schedule's factor. */
  learningRate: number;
  /** For a Muon group, the rate of what is no matrix. Default: learningRate. */
  otherLearningRate?: number;
  options?: AdamWOptions & MuonOptions;
}

interface Member {
  key: string;
  optimiser: Optimiser;
  learningRate: number;
}

/** The optimisers of all groups, after gradients were clipped by the norm of all of them together. */
export class ParameterGroups {
  private constructor(
    private readonly members: readonly Member[],
    private readonly norm: GradientNorm,
    private readonly parameters: ParameterSet,
    private readonly maxNorm: number,
  ) {}

  /** @param maxNorm gradients are scaled down to this norm; Infinity: never */
  static async create(
    parameters: ParameterSet,
    groups: readonly ParameterGroup[],
    maxNorm: number,
  ): Promise<ParameterGroups> {
    const members: Member[] = [];
    for (const group of groups) {
      for (const name of group.names) members.push(await member(parameters, name, group));
    }
    return new ParameterGroups(members, await GradientNorm.create(parameters.gradients), parameters, maxNorm);
  }

  /** Everything that a checkpoint must hold beside the parameters. */
  get state(): Record<string, Float32Array> {
    return Object.fromEntries(
      this.members.flatMap(({ key, optimiser }) =>
        Object.entries(optimiser.state).map(([name, array]) => [`${key}.${name}`, array]),
      ),
    );
  }

  /**
   * One update, after which gradients are zero again.
   * @param step counts from 1
   * @returns the norm before clipping; where it is not finite nothing was changed
   */
  update(step: number, factor: number): number {
    const norm = this.norm.measure();
    if (Number.isFinite(norm)) {
      const scale = norm > this.maxNorm ? this.maxNorm / norm : 1;
      for (const { optimiser, learningRate } of this.members) optimiser.update(step, factor * learningRate, scale);
    }
    this.parameters.gradients.fill(0);
    return norm;
  }

  dispose(): void {
    this.norm.dispose();
    for (const { optimiser } of this.members) optimiser.dispose();
  }
}

async function member(parameters: ParameterSet, name: string, group: ParameterGroup): Promise<Member> {
  const { from, to } = parameters.range(name);
  const stretch = { values: parameters.values.subarray(from, to), gradients: parameters.gradients.subarray(from, to) };
  const { dims } = parameters.specs.find((spec) => spec.name === name)!;
  const { learningRate, options } = group;
  if (group.optimiser === "muon" && dims.length === 2) {
    const optimiser = await Muon.create(stretch, [dims[0], dims[1]], options);
    return { key: name, optimiser, learningRate };
  }
  const rate = group.optimiser === "muon" ? (group.otherLearningRate ?? learningRate) : learningRate;
  return { key: name, optimiser: await AdamW.create(stretch, options), learningRate: rate };
}

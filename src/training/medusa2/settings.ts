import { UsageError } from "../../types/errors.js";
import { text } from "../../types/option-kinds.js";
import { checkOptions } from "../../types/option-table.js";
import { checkBatching } from "../batching.js";
import { LOOP_DEFAULTS } from "../loop/loop-options.js";
import { TRAIN_MEDUSA2_OPTIONS, type TrainMedusa2Options } from "./options.js";

type WithoutDefault = "maxSteps" | "warmupSteps" | "maxTokens" | "onProgress" | "signal" | "headsFrom";
/** What trained heads decide where there are some. */
type OfHeads = "heads" | "layers" | "sharedHead";

/** The options with every default filled in. */
export type JointSettings = Required<Omit<TrainMedusa2Options, WithoutDefault>> &
  Pick<TrainMedusa2Options, WithoutDefault>;

/** @throws UsageError for options that are wrong, alone or together */
export function jointSettings(given: TrainMedusa2Options, contextLength: number): JointSettings {
  const table = { ...TRAIN_MEDUSA2_OPTIONS, output: text() };
  const { output, ...options } = checkOptions<TrainMedusa2Options>(table, given, { of: "trainMedusa2" });
  if (!output) throw new UsageError("trainMedusa2 needs an output: the folder that base and heads are written to");
  const { headsFrom } = options;
  const twice = (["heads", "layers", "sharedHead"] as OfHeads[]).find((name) => options[name] !== undefined);
  if (headsFrom !== undefined && twice) {
    throw new UsageError(`${twice} is decided by the heads of headsFrom: leave out one of them`);
  }
  const recipe = headsFrom === undefined ? SELF_DISTILLED : TWO_STAGES;
  const sequenceLength = Math.min(contextLength, DEFAULT_LENGTH);
  const settings: JointSettings = { ...DEFAULTS, ...recipe, sequenceLength, output, ...options };
  settings.microBatchSize = Math.min(settings.microBatchSize, settings.batchSize);
  checkBatching(settings, contextLength);
  return settings;
}

/** Cai et al. 2024, section 3.2: heads that are trained already, or none with text of the base's own. */
const TWO_STAGES = { headWeight: 0.2, ramp: "none" } as const;
const SELF_DISTILLED = { headWeight: 0.01, ramp: "sine" } as const;
const DEFAULT_LENGTH = 256;

const DEFAULTS = {
  ...LOOP_DEFAULTS,
  heads: 4,
  layers: 1,
  sharedHead: false,
  headDecay: 0.8,
  baseLoss: "teacher",
  rank: 32,
  alpha: 16,
  learningRate: 1e-4,
  headRate: 4,
  maxDrift: 0.01,
  batchSize: 8,
  microBatchSize: 4,
  weights: "BF16",
  layout: "original",
} as const;

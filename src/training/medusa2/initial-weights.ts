import type { Checkpoint } from "../../models/checkpoint/checkpoint.js";
import { type MedusaCheckpoint, openMedusaCheckpoint } from "../../models/medusa/medusa-checkpoint.js";
import { UsageError } from "../../types/errors.js";
import type { ModelConfig } from "../../types/model-config.js";
import { escaped } from "../../types/shown.js";
import { readWeight } from "../checkpoint-weights.js";
import type { DecoderWeights } from "../gradient/decoder-weights.js";
import { uniforms } from "../random.js";
import { TEACHER_HEAD } from "../teacher-rows.js";

/** Opens heads that fit a base. The caller closes their source. @throws UsageError where they do not */
export async function fittingHeads(directory: string, config: ModelConfig): Promise<MedusaCheckpoint> {
  const heads = await openMedusaCheckpoint(directory);
  const unfit = whyUnfit(heads, config);
  if (!unfit) return heads;
  await heads.source.close();
  throw new UsageError(`the heads in ${escaped(directory)} ${unfit}: give others as headsFrom, or none`);
}

function whyUnfit({ hiddenSize, vocabSize, targetIds, heads }: MedusaCheckpoint, base: ModelConfig) {
  if (hiddenSize !== base.hiddenSize) return "are of another base";
  if (targetIds) return `name ${targetIds.length} of the ${base.vocabSize} tokens`;
  if ((vocabSize ?? base.vocabSize) !== base.vocabSize) return "are of another base";
  const alike = heads.every(
    ({ blocks, lmHead }) =>
      blocks.length === heads[0].blocks.length &&
      (lmHead === undefined) === (heads[0].lmHead === undefined) &&
      blocks.every(({ bias }) => bias !== undefined),
  );
  return alike ? undefined : "are not all alike, with biases";
}

/** Fills the weights that a joint training begins with: the base's, adapters that change nothing yet, and the heads. */
export async function initialWeights(
  weights: DecoderWeights,
  base: Checkpoint,
  heads: MedusaCheckpoint | undefined,
  seed: number,
): Promise<void> {
  for (const weight of weights.own) await readWeight(base.source, weight, weights.valuesOf(weight.name));
  const lmHead = weights.valuesOf("lm_head");
  const uniform = uniforms(seed);
  for (const { name, dims } of weights.all) {
    const values = weights.valuesOf(name);
    // As PEFT begins: A uniform, B zero.
    if (name.endsWith(".lora_a")) fillUniform(values, 1 / Math.sqrt(dims[1]), uniform);
    else if (name === TEACHER_HEAD || /^heads\.\d+\.lm_head$/.test(name)) values.set(lmHead);
  }
  if (!heads) return;
  for (const [i, { blocks, lmHead: own }] of heads.heads.entries()) {
    const read = async (tensor: string, name: string) => {
      const values = weights.valuesOf(name);
      await heads.source.readRows(tensor, 0, heads.source.info(tensor)!.shape[0], values);
    };
    for (const [j, { weight, bias }] of blocks.entries()) {
      await read(weight, `heads.${i}.blocks.${j}`);
      await read(bias!, `heads.${i}.blocks.${j}.bias`);
    }
    if (own) await read(own, `heads.${i}.lm_head`);
  }
}

function fillUniform(values: Float32Array, bound: number, uniform: () => number): void {
  for (let i = 0; i < values.length; i++) values[i] = bound * (2 * uniform() - 1);
}

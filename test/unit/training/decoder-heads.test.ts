import { expect, test } from "vitest";
import { architectureOf } from "../../../src/models/architectures.js";
import { openCheckpoint } from "../../../src/models/checkpoint/checkpoint.js";
import { readWeight } from "../../../src/training/checkpoint-weights.js";
import { distillationHead } from "../../../src/training/distill/distillation-head.js";
import { DISTILLATION_LOSSES, type DistillationLoss } from "../../../src/training/distill/options.js";
import { LayeredDecoder } from "../../../src/training/gradient/layered-decoder.js";
import { mergeAdapter } from "../../../src/training/gradient/low-rank.js";
import { HEAD_LABELS, headRank, jointHead, LOG_LOSS } from "../../../src/training/medusa2/joint-head.js";
import { COUNTS, TEACHER_HEAD, TEACHER_HIDDEN } from "../../../src/training/teacher-rows.js";
import { type Digest, digestError, furthest } from "../../support/digests.js";
import { readJson } from "../../support/models.js";

/** What PyTorch computes, of the batch of test/oracle/training's gqa-tied. */
interface Oracle {
  llama: Record<"gqa-tied", Record<"ids" | "positions" | "segments" | "labels", number[][]>>;
  distillation: Record<"own" | "acceptance" | "agreement", number[]> & {
    losses: Record<DistillationLoss, { loss: number; gradients: Record<string, Digest> }>;
  };
  joint: { rank: number; alpha: number; labels: number[][] } & Record<"weights" | "losses", Record<string, number>> & {
      gradients: Record<string, Digest>;
    };
}
const { llama, distillation, joint } = readJson<Oracle>("test/oracle/training/oracle.json");
const { labels, ...tokens } = llama["gqa-tied"];
const ROWS = 14;

const int64 = (values: readonly number[]) => BigInt64Array.from(values, BigInt);
/** As the oracle's: scale sin(seed + 0.37 i^2). */
const wave = (count: number, seed: number, scale: number) =>
  Float32Array.from({ length: count }, (_, i) => scale * Math.sin(seed + 0.37 * i * i));

/** A decoder with gqa-tied's weights and batch. */
async function decoderWith(parts: Pick<Parameters<typeof LayeredDecoder.create>[0], "head" | "frozen" | "adapters">) {
  const { config, source } = await openCheckpoint("test/oracle/llama/gqa-tied");
  const decoder = await LayeredDecoder.create({
    ...{ architecture: architectureOf(config), config, batch: 2, length: 7 },
    ...parts,
  });
  for (const weight of decoder.weights.own) await readWeight(source, weight, decoder.weights.valuesOf(weight.name));
  await source.close();
  for (const name of ["ids", "positions", "segments"] as const) decoder[name].set(int64(tokens[name].flat()));
  return { decoder, config };
}

const counts = labels.flat().map((label) => Number(label >= 0));

test.each(DISTILLATION_LOSSES)("a draft's loss has PyTorch's gradients: %s", async (loss) => {
  const expected = distillation.losses[loss];
  const head = distillationHead({ vocabSize: 112, teacherHiddenSize: 64, loss, text: false });
  const { decoder } = await decoderWith({ head });
  decoder.weights.valuesOf(TEACHER_HEAD).set(decoder.weights.valuesOf("embedding"));
  const noise = wave(ROWS * 64, 1, 0.9);
  decoder.floats(TEACHER_HIDDEN).set(distillation.own.map((value, i) => value + noise[i]));
  decoder.floats(COUNTS).set(counts);
  const losses = await decoder.addGradients({ distillation: 1 });
  expect(Math.abs(losses.distillation / expected.loss - 1)).toBeLessThan(1e-4);
  for (const { name, dims, parts } of decoder.weights.own) {
    const { from } = decoder.parameters.range(name);
    let at = from;
    for (const { tensor, out } of parts) {
      const end = at + out * (dims[1] ?? 1);
      const gradient = decoder.parameters.gradients.subarray(at, end);
      expect(digestError(gradient, expected.gradients[tensor])).toBeLessThan(1e-4);
      at = end;
    }
  }
  expect((await decoder.measure()).distillation).toBeCloseTo(losses.distillation, 3);
  expect(furthest(decoder.measured("acceptance"), distillation.acceptance)).toBeLessThan(1e-5);
  expect([...decoder.measured("agreement")]).toEqual(distillation.agreement);
  decoder.dispose();
});

const JOINT = {
  ...{ heads: 2, layers: 1, sharedHead: false, teacher: true, lmHeadTrained: false },
  ...{ hiddenSize: 64, vocabSize: 112, vocabLimit: 112 },
};

/** The oracle's joint training: adapters on a frozen base, two heads. */
async function jointDecoder() {
  const adapters = { rank: joint.rank, alpha: joint.alpha };
  const made = await decoderWith({ head: jointHead(JOINT), frozen: () => true, adapters });
  const { decoder } = made;
  let seed = 0;
  for (const { name, dims } of decoder.parameters.specs) {
    const isAdapter = name.includes("lora");
    if (name.startsWith("heads.") && name.endsWith("blocks.0")) seed = 3 * Number(name.split(".")[1]);
    decoder.weights.valuesOf(name).set(
      wave(
        dims.reduce((a, b) => a * b),
        seed++,
        isAdapter ? 0.1 : 0.2,
      ),
    );
  }
  decoder.floats(TEACHER_HIDDEN).set(wave(ROWS * 64, 5, 1));
  decoder.floats(COUNTS).set(counts);
  decoder.integers("labels").set(int64(labels.flat()));
  const [first, second] = joint.labels;
  decoder.integers(HEAD_LABELS).set(int64(first.flatMap((label, i) => [label, second[i]])));
  return { ...made, adapters };
}

test("a base with adapters and Medusa heads has PyTorch's gradients, and none for what is frozen", async () => {
  const { decoder } = await jointDecoder();
  const losses = await decoder.addGradients(joint.weights);
  for (const [name, loss] of Object.entries(joint.losses)) expect(Math.abs(losses[name] / loss - 1)).toBeLessThan(1e-4);
  const names = decoder.parameters.specs.map(({ name }) => name);
  expect(names.sort()).toEqual(Object.keys(joint.gradients).sort());
  for (const name of names) {
    const { from, to } = decoder.parameters.range(name);
    const gradient = decoder.parameters.gradients.subarray(from, to);
    expect(digestError(gradient, joint.gradients[name])).toBeLessThan(1e-4);
  }
  expect(await decoder.measure()).toEqual(losses);
  const ranks = [...decoder.measured(headRank(1))];
  expect(ranks.every((rank) => rank >= 0 && rank < 112 && Number.isInteger(rank))).toBe(true);
  expect(new Set(ranks).size).toBeGreaterThan(3);
  decoder.dispose();
});

test("merged adapters compute what they did apart", async () => {
  const { decoder, adapters } = await jointDecoder();
  await decoder.measure();
  const apart = decoder.measured(LOG_LOSS).slice();
  const { weights } = decoder;
  for (const { name } of weights.own) {
    if (!name.startsWith("layers.") || name.includes("norm")) continue;
    const [a, b] = [weights.valuesOf(`${name}.lora_a`), weights.valuesOf(`${name}.lora_b`)];
    mergeAdapter(weights.valuesOf(name), a, b, adapters);
    b.fill(0);
  }
  await decoder.measure();
  expect(furthest(decoder.measured(LOG_LOSS), [...apart])).toBeLessThan(1e-4);
  decoder.dispose();
});

import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { engineOf, type LoadedModel } from "../api/engine-of.js";
import type { CausalLM } from "../engine/causal-lm.js";
import { readText } from "../engine/read-text.js";
import { Need } from "../engine/rows.js";
import { makeFolder } from "../files/make-folder.js";
import { writeSafetensors } from "../formats/safetensors/writer.js";
import { UsageError } from "../types/errors.js";
import { callback, integer, number } from "../types/option-kinds.js";
import { checkOptions, type OptionTable } from "../types/option-table.js";
import type { TokenId } from "../types/token.js";
import { cholesky, solveCholesky } from "./cholesky.js";

export interface ClosedFormOptions {
  /** Heads to fit. Default 4. */
  heads?: number;
  /** Added to the diagonal, as a share of its mean. Default 0.001. */
  ridge?: number;
  onProgress?: (done: number, total: number) => void;
}

const OPTIONS: OptionTable<ClosedFormOptions> = { heads: integer(1, 16), ridge: number("> 0"), onProgress: callback() };

/** Plain linear heads [vocabSize, hiddenSize] and how often each rank was right on texts that were not fitted. */
export interface ClosedFormHeads {
  weights: Float32Array[];
  hiddenSize: number;
  vocabSize: number;
  accuracies: number[][];
}

/** Every eighth text is kept for measuring. */
const HELD_OUT = 8;
const RANKS = 10;
/** Rows that accuracies are measured on: each costs as much as the output product of every head. */
const MEASURED_ROWS = 600;

interface Rows {
  hidden: Float32Array[];
  /** The target's own next token after each row. */
  next: TokenId[];
}

/**
 * Medusa heads without training: ridge regression from hidden states to the tokens that the target itself names some
 * places later. A cold start: worse than trained heads, made in seconds.
 * @param texts token ids of the target's own answers, at least some thousand tokens
 */
export async function fitMedusaHeads(
  model: LoadedModel,
  texts: readonly (readonly TokenId[])[],
  given: ClosedFormOptions = {},
): Promise<ClosedFormHeads> {
  const target = engineOf(model, "fitMedusaHeads");
  const options = checkOptions(OPTIONS, given, { of: "fitMedusaHeads" });
  const count = options.heads ?? 4;
  if (texts.length < HELD_OUT) throw new UsageError(`give at least ${HELD_OUT} texts: every eighth is held out`);
  const long = texts.find((text) => text.length > target.contextLength);
  if (long) throw new UsageError(`a text has ${long.length} tokens, the context is ${target.contextLength}: cut it`);
  const { hiddenSize: D, vocabSize: V } = target.config;
  const gram = new Float64Array(D * D);
  const cross = Array.from({ length: count }, () => new Map<TokenId, Float64Array>());
  const heldOut: Rows[] = [];
  for (const [i, text] of texts.entries()) {
    const rows = await rowsOf(target, text);
    if (i % HELD_OUT === HELD_OUT - 1) heldOut.push(rows);
    else accumulate(rows, gram, cross);
    options.onProgress?.(i + 1, texts.length);
  }
  const mean = trace(gram, D) / D;
  for (let i = 0; i < D; i++) gram[i * D + i] += (options.ridge ?? 0.001) * mean;
  const factor = cholesky(gram, D);
  const weights = cross.map((sums) => {
    const weight = new Float32Array(V * D);
    for (const [token, sum] of sums) {
      solveCholesky(factor, D, sum);
      weight.set(sum, token * D);
    }
    return weight;
  });
  const accuracies = weights.map((weight, head) => calibrate(weight, head, heldOut, D, target.vocabLimit));
  return { weights, hiddenSize: D, vocabSize: V, accuracies };
}

/** Writes heads as Medusa's repository does: config.json and medusa_lm_head.safetensors. */
export async function saveMedusaHeads(
  directory: string,
  { weights, hiddenSize, vocabSize, accuracies }: ClosedFormHeads,
  baseModel: string,
): Promise<void> {
  await makeFolder(directory);
  const shape = [vocabSize, hiddenSize];
  const tensors = weights.map((values, head) => ({ name: `${head}.0.weight`, shape, values }));
  await writeSafetensors(join(directory, "medusa_lm_head.safetensors"), tensors);
  const config = {
    medusa_num_heads: weights.length,
    medusa_num_layers: 0,
    base_model_name_or_path: baseModel,
    medusa_accuracies: accuracies,
  };
  await writeFile(join(directory, "config.json"), `${JSON.stringify(config, null, 2)}\n`);
}

async function rowsOf(target: CausalLM, text: readonly TokenId[]): Promise<Rows> {
  const rows: Rows = { hidden: [], next: [] };
  await readText(
    target,
    text,
    () => Need.hidden | Need.top,
    (result, row) => {
      rows.hidden.push(result.hidden(row).slice());
      rows.next.push(result.argmax(row));
    },
  );
  return rows;
}

/** Adds the rows to H^T H and, for head i, to the sum of hidden states that stand i + 1 places before each token. */
function accumulate({ hidden, next }: Rows, gram: Float64Array, cross: Map<TokenId, Float64Array>[]): void {
  hidden.forEach((row, t) => {
    const D = row.length;
    for (let i = 0; i < D; i++) {
      const value = row[i];
      for (let j = 0; j < D; j++) gram[i * D + j] += value * row[j];
    }
    cross.forEach((sums, head) => {
      const token = next[t + head + 1];
      if (token === undefined) return;
      const sum = sums.get(token) ?? new Float64Array(D);
      for (let i = 0; i < D; i++) sum[i] += row[i];
      sums.set(token, sum);
    });
  });
}

interface Sample {
  scores: Float32Array;
  token: TokenId;
}

/**
 * Regression on 0 and 1 gives numbers about as large as probabilities; as logits they would be nearly flat. Scales the
 * weight so that held-out texts are likeliest, and returns how often each rank is right.
 */
function calibrate(weight: Float32Array, head: number, texts: readonly Rows[], D: number, limit: number): number[] {
  const samples: Sample[] = [];
  const rows = texts.flatMap(({ hidden, next }) =>
    hidden.flatMap((row, t) => (next[t + head + 1] === undefined ? [] : [{ row, token: next[t + head + 1] }])),
  );
  const stride = Math.max(1, Math.floor(rows.length / MEASURED_ROWS));
  for (let i = 0; i < rows.length; i += stride) {
    samples.push({ scores: product(weight, rows[i].row, limit, D), token: rows[i].token });
  }
  const scale = least(1, 64, (candidate) => lossOf(samples, candidate));
  for (let i = 0; i < weight.length; i++) weight[i] *= scale;
  const right = new Array<number>(RANKS).fill(0);
  for (const { scores, token } of samples) {
    let rank = 0;
    for (let id = 0; id < limit; id++) if (scores[id] > scores[token]) rank++;
    if (rank < RANKS) right[rank]++;
  }
  return right.map((n) => Number((n / Math.max(1, samples.length)).toFixed(4)));
}

/** Cross-entropy of the samples where scores times `scale` are logits: convex in the scale. */
function lossOf(samples: readonly Sample[], scale: number): number {
  let loss = 0;
  for (const { scores, token } of samples) {
    let sum = 0;
    for (let id = 0; id < scores.length; id++) sum += Math.exp(scale * (scores[id] - scores[token]));
    loss += Math.log(sum);
  }
  return loss;
}

/** Where a function with one valley is least, between two positive numbers, within 5% of it: a golden-section search. */
function least(low: number, high: number, of: (x: number) => number): number {
  const golden = (Math.sqrt(5) - 1) / 2;
  let [a, b] = [Math.log(low), Math.log(high)];
  let [left, right] = [b - golden * (b - a), a + golden * (b - a)];
  let [atLeft, atRight] = [of(Math.exp(left)), of(Math.exp(right))];
  while (b - a > 0.1) {
    if (atLeft < atRight) {
      [b, right, atRight] = [right, left, atLeft];
      left = b - golden * (b - a);
      atLeft = of(Math.exp(left));
    } else {
      [a, left, atLeft] = [left, right, atRight];
      right = a + golden * (b - a);
      atRight = of(Math.exp(right));
    }
  }
  return Math.exp((a + b) / 2);
}

function product(weight: Float32Array, row: Float32Array, limit: number, D: number): Float32Array {
  const scores = new Float32Array(limit);
  for (let id = 0, at = 0; id < limit; id++) {
    let sum = 0;
    for (let i = 0; i < D; i++) sum += weight[at++] * row[i];
    scores[id] = sum;
  }
  return scores;
}

function trace(matrix: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += matrix[i * n + i];
  return sum;
}

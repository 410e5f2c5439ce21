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

/**
 * Regression on 0 and 1 gives numbers about as large as probabilities; as logits they would be nearly flat. Scales the
 * weight so that held-out texts are likeliest, and returns how often each rank is right.
 */
function calibrate(weight: Float32Array, head: number, texts: readonly Rows[], D: number, limit: number): number[] {
  const samples: { scores: Float32Array; token: TokenId }[] = [];
  const rows = texts.flatMap(({ hidden, next }) =>
    hidden.flatMap((row, t) => (next[t + head + 1] === undefined ? [] : [{ row, token: next[t + head + 1] }])),
  );
  const stride = Math.max(1, Math.floor(rows.length / MEASURED_ROWS));
  for (let i = 0; i < rows.length; i += stride) {
    samples.push({ scores: product(weight, rows[i].row, limit, D), token: rows[i].token });
  }
  let scale = 1;
  let best = Number.POSITIVE_INFINITY;
  for (let candidate = 1; candidate < 64; candidate *= 1.15) {
    let loss = 0;
    for (const { scores, token } of samples) {
      let sum = 0;
      for (const score of scores) sum += Math.exp(candidate * (score - scores[token]));
      loss += Math.log(sum);
    }
    if (loss < best) [best, scale] = [loss, candidate];
  }
  for (let i = 0; i < weight.length; i++) weight[i] *= scale;
  const right = new Array<number>(RANKS).fill(0);
  for (const { scores, token } of samples) {
    let rank = 0;
    for (let id = 0; id < limit; id++) if (scores[id] > scores[token]) rank++;
    if (rank < RANKS) right[rank]++;
  }
  return right.map((n) => Number((n / Math.max(1, samples.length)).toFixed(4)));
}

function product(weight: Float32Array, row: Float32Array, limit: number, D: number): Float32Array {
  return Float32Array.from({ length: limit }, (_, id) => {
    let sum = 0;
    for (let i = 0; i < D; i++) sum += weight[id * D + i] * row[i];
    return sum;
  });
}

function trace(matrix: Float64Array, n: number): number {
  let sum = 0;
  for (let i = 0; i < n; i++) sum += matrix[i * n + i];
  return sum;
}

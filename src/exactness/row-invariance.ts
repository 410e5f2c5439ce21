import type { CausalLM } from "../engine/causal-lm.js";
import { readText } from "../engine/read-text.js";
import { Need } from "../engine/rows.js";
import type { TokenId } from "../types/token.js";
import { largestDifference } from "./largest-difference.js";

/** Rows of the text that is read: more than the longest chain. */
const LENGTH = 40;
/** Rows of the passes that are compared with single rows: around the sizes of the kernels' tiles. */
const CHUNKS = [2, 3, 4, 5, 8, 9, 16, 17, 32, 33];

/** What a check of row invariance found. */
export interface RowInvariance {
  /** Rows compared. */
  rows: number;
  /** Rows whose logits are the same bits in a pass of several as one by one. */
  identical: number;
  /** Largest difference of a logit. */
  maxDifference: number;
}

/**
 * Whether rows of a pass give the very logits of one-by-one decoding on this CPU: the foundation of exactness. Runs chains
 * of several lengths, and trees of which one row asks for its logits, against single rows over the same tokens.
 */
export async function rowInvariance(model: CausalLM, signal?: AbortSignal): Promise<RowInvariance> {
  const length = Math.min(LENGTH, model.contextLength - 1);
  const tokens = Array.from({ length }, (_, i) => (i * 7919 + 13) % model.vocabLimit);
  const single = await logitsOf(model, tokens, 1, signal);
  const found: RowInvariance = { rows: 0, identical: 0, maxDifference: 0 };
  const compare = (row: Float32Array, place: number) => {
    const difference = largestDifference(row, single[place]);
    found.rows++;
    if (difference === 0) found.identical++;
    found.maxDifference = Math.max(found.maxDifference, difference);
  };
  for (const chunk of CHUNKS) {
    (await logitsOf(model, tokens, chunk, signal)).forEach(compare);
    await readTrees(model, tokens, chunk - 1, "first", compare, signal);
    if (model.exactTrees) await readTrees(model, tokens, chunk - 1, "side", compare, signal);
  }
  return found;
}

/**
 * Reads `path` tokens a pass beside a row on another branch, as the tree's first path or as a side branch behind it; the last
 * one's logits are asked for, and compared.
 */
async function readTrees(
  model: CausalLM,
  tokens: readonly TokenId[],
  path: number,
  as: "first" | "side",
  compare: (row: Float32Array, place: number) => void,
  signal?: AbortSignal,
): Promise<void> {
  using sequence = model.newSequence();
  for (let start = 0; start + path <= tokens.length; start += path) {
    const part = tokens.slice(start, start + path);
    const first = as === "first" ? 0 : 1;
    const last = first + path - 1;
    const nodes = Array.from({ length: path + 1 }, (_, node) => node);
    const request = {
      sequence,
      tokens: as === "first" ? [...part, tokens[0]] : [tokens[0], ...part],
      parents: nodes.map((node) => (node > first && node <= last ? node - 1 : -1)),
      needs: nodes.map((node) => (node === last ? Need.logits : Need.nothing)),
    };
    await model.forward([request], (result) => compare(result.logits(last), start + path - 1), { signal });
    sequence.commit(nodes.slice(first, last + 1));
  }
}

/** Logits of every token, computed `chunk` rows at a time. */
export async function logitsOf(
  model: CausalLM,
  tokens: readonly number[],
  chunk: number,
  signal?: AbortSignal,
): Promise<Float32Array[]> {
  const rows: Float32Array[] = [];
  await readText(
    model,
    tokens,
    () => Need.logits,
    (result, row) => {
      rows.push(result.logits(row).slice());
    },
    { chunk, signal },
  );
  return rows;
}

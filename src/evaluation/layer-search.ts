import { engineOf, type LoadedModel } from "../api/engine-of.js";
import type { CausalLM } from "../engine/causal-lm.js";
import { readText } from "../engine/read-text.js";
import { Need } from "../engine/rows.js";
import { UsageError } from "../types/errors.js";
import type { TokenId } from "../types/token.js";

export interface SkippedLayers {
  /** Places of the layers to skip, ascending: for `speculation: { method: "layer-skip", skipLayers }`. */
  skipLayers: number[];
  /** How often the model without them names the whole model's likeliest token, from 0 to 1. */
  agreement: number;
}

/**
 * Finds `count` layers that the target misses least when it drafts for itself: takes away one after the other the layer
 * whose absence changes the fewest of the likeliest next tokens on the user's own texts.
 * @param texts token ids, such as prompts with their answers; a few hundred tokens do
 */
export async function searchSkippedLayers(
  model: LoadedModel,
  texts: readonly (readonly TokenId[])[],
  count: number,
  onProgress: (done: number, total: number) => void = () => {},
): Promise<SkippedLayers> {
  const target = engineOf(model, "searchSkippedLayers");
  const { numLayers } = target.config;
  if (!Number.isInteger(count) || count < 1 || count >= numLayers) {
    throw new UsageError(`layers to skip must be 1 to ${numLayers - 1}, got ${count}`);
  }
  if (!texts.some((text) => text.length > 1)) throw new UsageError("give texts of at least two tokens");
  const long = texts.find((text) => text.length > target.contextLength);
  if (long) throw new UsageError(`a text has ${long.length} tokens, the context is ${target.contextLength}: cut it`);
  const wanted = await likeliest(target, texts);
  const total = Array.from({ length: count }, (_, i) => numLayers - i).reduce((a, b) => a + b, 0);
  let best: SkippedLayers = { skipLayers: [], agreement: 1 };
  let done = 0;
  for (let skipped = 0; skipped < count; skipped++) {
    const round: SkippedLayers[] = [];
    for (let layer = 0; layer < numLayers; layer++) {
      if (best.skipLayers.includes(layer)) continue;
      const skipLayers = [...best.skipLayers, layer].sort((a, b) => a - b);
      await using skipping = await target.openWithoutLayers(skipLayers);
      const found = await likeliest(skipping, texts);
      const same = found.filter((token, i) => token === wanted[i]).length;
      round.push({ skipLayers, agreement: same / wanted.length });
      onProgress(++done, total);
    }
    best = round.reduce((a, b) => (b.agreement > a.agreement ? b : a));
  }
  return best;
}

/** The likeliest token after each token of the texts. */
async function likeliest(model: CausalLM, texts: readonly (readonly TokenId[])[]): Promise<TokenId[]> {
  const found: TokenId[] = [];
  for (const text of texts) {
    await readText(
      model,
      text,
      () => Need.top,
      (result, row) => {
        found.push(result.argmax(row));
      },
    );
  }
  return found;
}

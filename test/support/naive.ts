import type { SamplingParams } from "../../src/types/sampling-params.js";

/**
 * Processors written the obvious way, by sorting everything, to compare the product's with. Returns probabilities by id;
 * 0 for tokens that are filtered out.
 */
export function naiveProbabilities(
  row: readonly number[],
  params: SamplingParams,
  prompt: readonly number[] = [],
  output: readonly number[] = [],
  eosTokenIds: readonly number[] = [],
): number[] {
  const logits = naivePenalties(row, params, prompt, output, eosTokenIds);
  let kept = logits.map((logit, id) => ({ id, logit: logit / params.temperature })).filter((c) => c.logit > -Infinity);
  const normalised = () => {
    const max = Math.max(...kept.map((c) => c.logit));
    const total = kept.reduce((sum, c) => sum + Math.exp(c.logit - max), 0);
    return kept.map((c) => ({ ...c, p: Math.exp(c.logit - max) / total }));
  };
  /** Takes candidates in their order until their mass reaches `goal`. */
  const upTo = (goal: number, ordered: { id: number; logit: number; p: number }[]) => {
    let mass = 0;
    return ordered.filter((c) => {
      const take = mass < goal;
      mass += c.p;
      return take;
    });
  };
  if (params.topK > 0) {
    const threshold = kept.map((c) => c.logit).sort((a, b) => b - a)[Math.min(params.topK, kept.length) - 1];
    kept = kept.filter((c) => c.logit >= threshold);
  }
  if (params.topP < 1) {
    const ordered = normalised().sort((a, b) => b.p - a.p || a.id - b.id);
    kept = upTo(params.topP, ordered);
  }
  if (params.minP > 0) {
    const all = normalised();
    const most = Math.max(...all.map((c) => c.p));
    kept = all.filter((c) => c.p >= params.minP * most);
  }
  if (params.typicalP < 1) {
    const all = normalised();
    const entropy = -all.reduce((sum, c) => sum + c.p * Math.log(c.p), 0);
    const distance = (c: { p: number }) => Math.abs(-Math.log(c.p) - entropy);
    kept = upTo(
      params.typicalP,
      all.sort((a, b) => distance(a) - distance(b) || a.id - b.id),
    );
  }
  const probabilities = logits.map(() => 0);
  for (const { id, p } of normalised()) probabilities[id] = p;
  return probabilities;
}

/** Logits after repetition, presence and frequency penalty, bias, bad words and minNewTokens. */
export function naivePenalties(
  row: readonly number[],
  params: SamplingParams,
  prompt: readonly number[],
  output: readonly number[],
  eosTokenIds: readonly number[] = [],
): number[] {
  const all = [...prompt, ...output];
  return row.map((value, id) => {
    let logit = value;
    const count = output.filter((token) => token === id).length;
    if (all.includes(id)) logit = logit < 0 ? logit * params.repetitionPenalty : logit / params.repetitionPenalty;
    if (count > 0) logit -= params.presencePenalty + params.frequencyPenalty * count;
    logit += params.logitBias.get(id) ?? 0;
    const isBad = params.badWordsIds.some((words) => {
      const before = words.slice(0, -1);
      return words[words.length - 1] === id && before.every((w, i) => all[all.length - before.length + i] === w);
    });
    if (isBad || (output.length < params.minNewTokens && eosTokenIds.includes(id))) return -Infinity;
    return logit;
  });
}

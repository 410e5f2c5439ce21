/**
 * Speculative sampling by hand (Leviathan et al. 2023): draft K tokens, read them in one pass of the target, accept each with
 * min(1, p/q), replace the first rejected one from the residual, or add one for free. Popular write-ups leave the last
 * two out; without them the output is not the target's. `generate` does all this, and more.
 */
import { AutoModelForCausalLM, type CausalLM, Need, type Sequence } from "foretoken";

const K = 4;
const { model: target, tokenizer } = await AutoModelForCausalLM.fromPretrained("models/target");
const { model: draft } = await AutoModelForCausalLM.fromPretrained("models/draft");
const text = tokenizer!.encode("Once upon a time there was a little girl named Lily. She");
const [targetRows, draftRows] = [target.newSequence(), draft.newSequence()];
await target.prefill(targetRows, text.slice(0, -1));
await draft.prefill(draftRows, text.slice(0, -1));

let passes = 0;
for (const end = text.length + 64; text.length < end; passes++) {
  // The draft's own loop; it reads what it is behind by, then one token a pass.
  const drafted: number[] = [];
  const q: number[][] = [];
  while (drafted.length < K) {
    const behind = [...text, ...drafted].slice(draftRows.length);
    q.push((await distributions(draft, draftRows, behind)).at(-1)!);
    drafted.push(sample(q[drafted.length]));
  }
  // One pass of the target over the last token and the drafted ones: p[i] is what it says after i of them.
  const p = await distributions(target, targetRows, [...text.slice(-1), ...drafted]);
  let accepted = 0;
  while (accepted < K && Math.random() < p[accepted][drafted[accepted]] / q[accepted][drafted[accepted]]) accepted++;
  const residual = p[accepted].map((value, id) => (accepted < K ? Math.max(0, value - q[accepted][id]) : value));
  text.push(...drafted.slice(0, accepted), sample(residual));
  // The last token is read by the next pass; rows of rejected tokens are dropped.
  targetRows.rollback(text.length - 1);
  draftRows.rollback(Math.min(draftRows.length, text.length - 1));
}
console.log(tokenizer!.decode(text, { skipSpecialTokens: true }));
console.log(`tokens per pass: ${(64 / passes).toFixed(2)}`);

/** The model's distribution after each of the tokens, which stay in the sequence. */
async function distributions(model: CausalLM, sequence: Sequence, tokens: number[]): Promise<number[][]> {
  const needs = tokens.map(() => Need.logits);
  const rows = await model.forward([{ sequence, tokens, needs }], (result) =>
    tokens.map((_, i) => softmax(result.logits(i))),
  );
  sequence.commit(tokens.map((_, i) => i));
  return rows;
}

function softmax(logits: Float32Array): number[] {
  const max = logits.reduce((a, b) => Math.max(a, b));
  const weights = Array.from(logits, (logit) => Math.exp(logit - max));
  const total = weights.reduce((a, b) => a + b);
  return weights.map((weight) => weight / total);
}

function sample(weights: number[]): number {
  let point = Math.random() * weights.reduce((a, b) => a + b);
  return weights.findIndex((weight) => {
    point -= weight;
    return point < 0;
  });
}
await target.dispose();
await draft.dispose();

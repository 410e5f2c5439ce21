/** How many tokens to draft, which tree, which W, N, G: predicted from one plain pass over a text, then priced. */
import { AutoModelForCausalLM, MedusaModel, Recording, type SpeculationOptions } from "foretoken";

const target = await AutoModelForCausalLM.fromPretrained("models/target");
const draft = await AutoModelForCausalLM.fromPretrained("models/draft");
const { heads } = await MedusaModel.fromPretrained("models/medusa-heads", { base: target });
const cost = await target.measureCost({ repeats: 3 });
const draftCost = await draft.measureCost({ repeats: 3 });

// The target writes the text once; every setting below is then replayed on it, without the target.
const recording = await Recording.of(target, { prompt: "One day, a small frog" }, { maxNewTokens: 96 });
const settings: Record<string, SpeculationOptions> = {
  "draft, K = 2": { method: "draft", numSpeculativeTokens: 2 },
  "draft, K = 4": { method: "draft", numSpeculativeTokens: 4 },
  "draft, K = 8": { method: "draft", numSpeculativeTokens: 8 },
  "medusa, 4 nodes": { method: "medusa", heads, treeNodes: 4 },
  "medusa, 16 nodes": { method: "medusa", heads, treeNodes: 16 },
  "medusa, preset small": { method: "medusa", heads, treeChoices: "small" },
  "medusa, choices": { method: "medusa", heads, treeChoices: [[0], [0, 0], [0, 1], [1], [1, 0]] },
  "lookahead, W 5, N 3": { method: "lookahead", windowSize: 5, ngramSize: 3 },
  "lookahead, W 7, N 5": { method: "lookahead", windowSize: 7, ngramSize: 5 },
  ngram: { method: "ngram" },
};
for (const [name, speculation] of Object.entries(settings)) {
  const drafted = speculation.method === "draft" ? { assistantModel: draft } : {};
  const { meanTokensPerPass, rows, newTokens, guessedRows } = await recording.replay({ ...drafted, speculation });
  const draftMs = (speculation.method === "draft" ? speculation.numSpeculativeTokens! : 0) * draftCost.at(1);
  const ms = rows.reduce((sum, n) => sum + cost.at(n) + draftMs, 0);
  const speedUp = (newTokens * cost.at(1)) / ms;
  const sure = guessedRows === 0 ? "" : " (about: rows off the text were guessed)";
  console.log(`${name}: ${meanTokensPerPass.toFixed(2)} tokens per pass, ${speedUp.toFixed(2)}x${sure}`);
}
heads.dispose();
await target.dispose();
await draft.dispose();

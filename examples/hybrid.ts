/** Methods together: a Medusa model that drafts for another target, and one tree that several methods propose. */
import { AutoModelForCausalLM, MedusaModel } from "foretoken";

const target = await AutoModelForCausalLM.fromPretrained("models/target", { dtype: "q8" });
const prompt = "Long, long ago, in a castle by the sea,";
const options = { maxNewTokens: 64 };

// In earnest the Medusa model is smaller than its target; here it is the same one in other weights.
const drafting = await MedusaModel.fromPretrained("models/medusa-heads", { dtype: "fp32" });
const hybrid = await target.generate(prompt, {
  ...options,
  assistantModel: drafting,
  speculation: { method: "draft-medusa" },
});
console.log(`${hybrid.stats.method}: ${hybrid.stats.meanTokensPerPass.toFixed(2)} tokens per pass`);

const draft = await AutoModelForCausalLM.fromPretrained("models/draft");
const merged = await target.generate(prompt, {
  ...options,
  assistantModel: draft,
  speculation: { method: "merged", drafters: ["draft", "ngram", "recycling"] },
});
console.log(`merged: ${merged.stats.meanTokensPerPass.toFixed(2)} tokens per pass`);
for (const [name, { drafted, accepted }] of Object.entries(merged.stats.byDrafter)) {
  console.log(`  ${name}: ${accepted} of ${drafted} accepted`);
}
for (const model of [target, drafting, draft]) await model.dispose();

/** Which draft, which method, which K: rules first, then what this machine says. */
import { AutoModelForCausalLM, chooseMethod, selectDraftModel } from "foretoken";

const sizes = ["7B", "1B", "135M"].map((parameters) => ({ name: `llama-${parameters}`, parameters }));
console.log(selectDraftModel({ name: "llama-70B", parameters: "70B" }, sizes).reason);

const target = await AutoModelForCausalLM.fromPretrained("models/target");
const draft = await AutoModelForCausalLM.fromPretrained("models/draft");
const cost = await target.measureCost({ repeats: 3 });
const choice = chooseMethod({ draft: true, costOfEightRows: cost.at(8) / cost.at(1) });
console.log(`${choice.method}: ${choice.reason}`);

// Larger K pays only where the draft is often right: measure on prompts of yours.
for (const numSpeculativeTokens of [2, 4, 8]) {
  const speculation = { method: "draft", numSpeculativeTokens };
  const { stats } = await target.generate("Once upon a time", { assistantModel: draft, speculation, maxNewTokens: 64 });
  const perPass = stats.meanTokensPerPass.toFixed(2);
  console.log(
    `K = ${numSpeculativeTokens}: ${perPass} tokens per pass, ${(100 * stats.acceptanceRate).toFixed(0)}% accepted`,
  );
}
await target.dispose();
await draft.dispose();

/** Several prompts in the same passes, several samples of a prompt: each gets the tokens that it would get alone. */
import { AutoModelForCausalLM } from "foretoken";

const target = await AutoModelForCausalLM.fromPretrained("models/target");
const draft = await AutoModelForCausalLM.fromPretrained("models/draft");
const prompts = ["One day, a fox", "Once upon a time there was an old", "The little boat"];
const options = {
  assistantModel: draft,
  temperature: 0.7,
  seed: 3,
  maxNewTokens: 32,
  speculation: { method: "draft" },
};

const outputs = await target.generate(prompts, {
  ...options,
  speculation: { method: "draft", numSpeculativeTokens: 5 },
});
for (const [i, { text, stats }] of outputs.entries()) {
  console.log(`${prompts[i]}${text.split("\n")[0]} [${stats.meanTokensPerPass.toFixed(2)} tokens per pass]`);
}
const alone = await target.generate(prompts[1], options);
console.log(`as alone: ${alone.tokenIds.join() === outputs[1].tokenIds.join()}`);

const samples = await target.generate("My favourite animal is", { ...options, numReturnSequences: 3 });
console.log(`${new Set(samples.map(({ text }) => text)).size} different samples`);
await target.dispose();
await draft.dispose();

import { AutoModelForCausalLM } from "foretoken";

const target = await AutoModelForCausalLM.fromPretrained("models/target");
const draft = await AutoModelForCausalLM.fromPretrained("models/draft");

const prompt = "Once upon a time there was a little girl named Lily. She";
const options = { maxNewTokens: 64, assistantModel: draft };
const plain = await target.generate(prompt, { ...options, speculation: { method: "none" } });
const fast = await target.generate(prompt, { ...options, speculation: { method: "draft" } });

console.log(fast.text);
console.log("same tokens:", fast.tokenIds.join() === plain.tokenIds.join());
console.log("tokens per pass:", fast.stats.meanTokensPerPass.toFixed(2));

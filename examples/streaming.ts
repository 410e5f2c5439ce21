/** Text as it becomes certain, who proposed each token, stop strings, and ending early by a signal. */
import { AutoModelForCausalLM } from "foretoken";

const target = await AutoModelForCausalLM.fromPretrained("models/target");
const draft = await AutoModelForCausalLM.fromPretrained("models/draft");
const options = {
  assistantModel: draft,
  temperature: 0.7,
  seed: 7,
  maxNewTokens: 80,
  speculation: { method: "draft" },
};

for await (const event of target.stream('The fox said, "', { ...options, stopStrings: ['"'] })) {
  if (event.type === "token") process.stdout.write(event.source === "target" ? event.text : `[${event.text}]`);
  else console.log(`\nended by: ${event.finishReason}; ${event.stats.meanTokensPerPass.toFixed(2)} tokens a pass`);
}

const controller = new AbortController();
let tokens = 0;
for await (const event of target.stream("One day", { ...options, signal: controller.signal })) {
  if (event.type === "finish") console.log(`ended by: ${event.finishReason} after ${tokens} tokens`);
  else if (++tokens === 10) controller.abort();
}
await target.dispose();
await draft.dispose();

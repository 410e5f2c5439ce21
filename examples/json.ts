/** Output that keeps to a JSON schema, drafted and verified token by token along every branch of the tree. */
import { AutoModelForCausalLM } from "foretoken";

const target = await AutoModelForCausalLM.fromPretrained("models/target");
const draft = await AutoModelForCausalLM.fromPretrained("models/draft");
const jsonSchema = {
  type: "object",
  properties: { animal: { enum: ["fox", "crow", "cat"] }, age: { type: "integer" } },
  required: ["animal", "age"],
};
const { text } = await target.generate("The animal is", {
  grammar: { jsonSchema },
  assistantModel: draft,
  speculation: { method: "draft" },
  maxNewTokens: 40,
});
console.log(text);
await target.dispose();
await draft.dispose();

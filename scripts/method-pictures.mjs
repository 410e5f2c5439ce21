// Draws docs/images/*.svg: a real step of each tree method, and lookahead's window.
// Usage: npm run build && node scripts/method-pictures.mjs
import { writeFileSync } from "node:fs";
import { AutoModelForCausalLM, MedusaModel, treePicture, windowPicture } from "../dist/index.js";

const medusa = await MedusaModel.fromPretrained("models/medusa-heads");
const target = medusa.base;
const draft = await AutoModelForCausalLM.fromPretrained("models/draft");
const text = (token) => target.tokenizer.decode([token]);
const ways = {
  draft: { assistantModel: draft, speculation: { treeWidths: [2, 1, 1] } },
  medusa: { speculation: { method: "medusa", heads: medusa.heads, treeNodes: 12 } },
  recycling: { speculation: { method: "recycling", treeNodes: 12 } },
  lookahead: { speculation: { method: "lookahead" } },
  merged: { assistantModel: draft, speculation: { method: "merged", drafters: ["draft", "ngram", "recycling"] } },
};
for (const [name, options] of Object.entries(ways)) {
  const steps = [];
  await target.generate("Once upon a time there was a little girl named Lily. She", {
    maxNewTokens: 96,
    trace: (step) => steps.push(step),
    ...options,
  });
  // The step that found most tokens right, the smaller tree where two found as many.
  const right = ({ path, foreseen, known }) => path.length + foreseen.length - known;
  const better = (a, b) => right(b) - right(a) || a.tree.tokens.length - b.tree.tokens.length;
  const [telling] = steps.filter(({ tree, known }) => tree.tokens.length > 6 && known === 0).sort(better);
  writeFileSync(`docs/images/${name}.svg`, treePicture(telling, text));
}
writeFileSync("docs/images/window.svg", windowPicture(5, 4, 2));
await medusa.dispose();
await draft.dispose();

/** One kind of training, some steps of it; prints rows a second and memory as JSON. What bench/training/training.ts runs. */
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { AutoModelForCausalLM, distillDraft, trainEagle, trainMedusa } from "../../src/index.js";
import { quantile } from "../harness.js";

const STEPS = 16;
/** The first ones warm caches up. */
const WARM_UP = 4;

const [kind] = process.argv.slice(2);
const base = await AutoModelForCausalLM.fromPretrained("models/target", { dtype: "q8" });
let state = 1;
const token = () => {
  state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
  return 1 + (state % 4000);
};
const lengths: Record<string, number> = { medusa: 512, "medusa-shared": 512, eagle: 257, draft: 128 };
const examples = Array.from({ length: (20 * 1024) / 128 }, () => ({
  tokens: Array.from({ length: lengths[kind] }, token),
}));
const rates: number[] = [];
const folder = mkdtempSync(join(tmpdir(), "foretoken-bench-"));
const options = {
  output: join(folder, "out"),
  maxSteps: STEPS,
  evaluations: 1,
  onProgress: (event: { stage: string; tokensPerSecond?: number }) => {
    if (event.stage === "training") rates.push(event.tokensPerSecond!);
  },
};
try {
  if (kind === "eagle") await trainEagle(base, examples, { ...options, draftVocabulary: 2048, sequenceLength: 256 });
  else if (kind === "draft") {
    const shape = { fromScratch: true, layers: 2, hiddenSize: 128, intermediateSize: 352, sequenceLength: 128 };
    await distillDraft(base, examples, { ...options, ...shape, batchSize: 8, microBatchSize: 4 });
  } else await trainMedusa(base, examples, { ...options, sharedHead: kind === "medusa-shared", sequenceLength: 512 });
} finally {
  rmSync(folder, { recursive: true, force: true });
}
const megabytes = process.resourceUsage().maxRSS / 1024;
process.stdout.write(`${JSON.stringify({ rows: quantile(rates.slice(WARM_UP), 0.5), megabytes })}\n`);
await base.dispose();

/**
 * What "auto" gains by a clock that is reckoned: passes take what a table says, of the target and of what drafts for it, and
 * nothing else takes time. So the guard decides as on such a machine, and every run gives the same figures: what its rules are
 * compared with. Greedy unless --temperature is given; each prompt twice, of which the second counts.
 *
 *   npm run bench:clock -- [--passes 1:12.4,2:12.7,4:14,5:14.7,8:19,16:35.3,64:140] [--level 1] [--tokens 96] [--temperature 0]
 */
import type { CausalLM } from "../src/engine/causal-lm.js";
import { PassTimes } from "../src/engine/pass-times.js";
import type { LanguageModel, SingleOptions } from "../src/index.js";
import { listFlag, report, textsByKind } from "./harness.js";
import { draftOf, eagleOf, headsOf, targetOf } from "./models.js";

/** 509 M in 4 bits on an AMD EPYC (Zen 4) with AVX-512 VNNI, ms by rows. */
const PASSES = ["1:12.4", "2:12.7", "4:14", "5:14.7", "8:19", "16:35.3", "64:140"];
/** Of what drafts: how much longer a pass takes for each further row. */
const ROW_SHARE = 0.05;
/** Prompts of each kind. */
const OF_A_KIND = 3;

const table = listFlag("passes", PASSES).map((point) => point.split(":").map(Number));
const levelMs = Number(listFlag("level", ["1"])[0]);
const maxNewTokens = Number(listFlag("tokens", ["96"])[0]);
const temperature = Number(listFlag("temperature", ["0"])[0]);

let clock = 0;
performance.now = () => clock;

const known = new PassTimes();
for (const [size, ms] of [...table, ...table]) known.observe(size, ms);

/** Beyond the table each row takes as long as in its last pass. */
function passMs(rows: number): number {
  const { largest } = known;
  return rows <= largest ? known.at(rows) : (known.at(largest) * rows) / largest;
}

/** Lets the clock run on with every pass. */
function reckoned(model: CausalLM, ms: (rows: number) => number): void {
  const forward = model.forward.bind(model);
  model.forward = ((requests, ...rest) => {
    clock += ms(requests.reduce((sum, { tokens }) => sum + tokens.length, 0));
    return forward(requests, ...rest);
  }) as CausalLM["forward"];
}

const target = await targetOf("embedded", "q8", 1024);
const { times } = target.model;
times.observe = (rows) => PassTimes.prototype.observe.call(times, rows, passMs(rows));
reckoned(target.model, passMs);
const draft = await draftOf("q8");
const eagle = await eagleOf(target);
const draftMs = (rows: number) => levelMs * (1 + ROW_SHARE * (rows - 1));
for (const model of [draft.model, eagle.model]) reckoned(model, draftMs);
const WAYS: Record<string, SingleOptions> = {
  "n-grams": {},
  draft: { assistantModel: draft },
  "EAGLE-3": { speculation: { heads: eagle } },
  Medusa: { speculation: { heads: await headsOf(target) } },
};

const kinds = textsByKind(OF_A_KIND);
const rows = [["auto with", ...kinds.keys(), "all"]];
const details: unknown[] = [];
for (const [way, options] of Object.entries(WAYS)) {
  const all = { tokens: 0, passes: 0, ms: 0 };
  const cells: string[] = [];
  for (const [kind, prompts] of kinds) {
    const one = await decoded(target, prompts, { ...options, maxNewTokens, ignoreEos: true, temperature, seed: 3 });
    cells.push(cell(one));
    for (const key of ["tokens", "passes", "ms"] as const) all[key] += one[key];
    details.push({ way, kind, ...one });
  }
  rows.push([way, ...cells, cell(all)]);
}
report(
  `Tokens per pass: speed-up over plain decoding; reckoned with passes of ${table.map(([n, ms]) => `${n}: ${ms}`).join(", ")} ms, a draft's ${levelMs} ms`,
  rows,
  details,
);

async function decoded(lm: LanguageModel, prompts: readonly string[], options: SingleOptions) {
  const sum = { tokens: 0, passes: 0, ms: 0 };
  for (const counts of [false, true]) {
    for (const prompt of prompts) {
      const { stats } = await lm.generate(prompt, options);
      if (!counts) continue;
      sum.tokens += stats.newTokens;
      sum.passes += stats.targetPasses;
      sum.ms += stats.totalMs - stats.prefillMs;
    }
  }
  return sum;
}

function cell({ tokens, passes, ms }: { tokens: number; passes: number; ms: number }): string {
  return `${(tokens / passes).toFixed(2)}: ${((tokens * passMs(1)) / ms).toFixed(2)}x`;
}

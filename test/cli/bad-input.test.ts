import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, test } from "vitest";
import { command, foretoken } from "../support/cli.js";
import { temporaryFolder } from "../support/models.js";

const HERE = temporaryFolder();
writeFileSync(join(HERE, "file"), "x");
mkdirSync(join(HERE, "empty"));

/** Command line, exit code, what the one line on standard error says. */
const cases: [args: string[], code: 1 | 2, says: RegExp][] = [
  [["genrate"], 2, /unknown command "genrate"\. Did you mean "generate"\?/],
  [["xyzzy"], 2, /unknown command "xyzzy", expected one of: demo, generate/],
  [["generate", "--temprature", "1"], 2, /unknown flag --temprature\. Did you mean --temperature\?/],
  [["generate", "--temp", "1"], 2, /unknown flag --temp\. Did you mean --temperature\?/],
  [["generate", "--max-tokens", "1"], 2, /Did you mean --max-new-tokens\?/],
  [["generate", "--max_new_tokens", "1"], 2, /Did you mean --max-new-tokens\?/],
  [["generate", "--ctx", "64"], 2, /Did you mean --context-length\?/],
  [["generate", "--stop-strings", "a"], 2, /Did you mean --stop\?/],
  [["generate", "--x\u001b[31m"], 2, /unknown flag --x\\u001b\[31m/],
  [["generate", "a", "--stop", "\\d"], 2, /--stop: \\d is no escape.*write \\\\ for a backslash/],
  [["generate", "a", "--stop-token", "the cat and"], 2, /"the cat and" is no token but \d of them/],
  [["generate", "a", "--stop-token", "999999"], 2, /--stop-token holds token id 999999/],
  [["generate", "a", "--logprobs", "2"], 2, /--logprobs are part of --json: give both/],
  [["generate", "a", "--json", "--logprobs", "21"], 2, /--logprobs must be an integer from 0 to 20, got 21/],
  [["generate", "a", "--generation-config", "vllm"], 2, /unknown --generation-config "vllm"/],
  [
    ["generate", "a", "--model", "meta-llama/Llama-3.2-1B"],
    1,
    /if that is a model of the Hugging Face hub.*hf download/,
  ],
  [["generate", "a", "--model", join(HERE, "evil\u001b]0;x\u0007\nname")], 1, /evil\\u001b\]0;x\\u0007\\u000aname/],
  [["generate", "a", "--dtype", "float32"], 2, /unknown --dtype "float32".*use "fp32"/],
  [["generate", "a", "--dtype", "4bit"], 2, /unknown --dtype "4bit".*use "q4"/],
  [["generate", "-z"], 2, /unknown flag -z/],
  [["generate", "--seed"], 2, /--seed.*(argument|value)/],
  [["generate", "--json=yes"], 2, /json/],
  [["generate", "two", "words"], 2, /takes 1 at most, got "words": put text with spaces in quotes/],
  [["generate", "a", "-n", "many"], 2, /--max-new-tokens must be a number, got "many"/],
  [["generate", "a", "-n", "-3"], 2, /--max-new-tokens must be a non-negative integer, got -3/],
  [["generate", "a", "-n", "1.5"], 2, /--max-new-tokens must be a non-negative integer, got 1\.5/],
  [["generate", "a", "-t", "-1"], 2, /--temperature must be >= 0, got -1/],
  [["generate", "a", "--top-p", "1.2"], 2, /--top-p must be in \(0, 1\], got 1\.2/],
  [["generate", "a", "--top-k", "-1"], 2, /--top-k must be a non-negative integer/],
  [["generate", "a", "--seed", "1e300"], 2, /--seed must be an integer from 0 to 2\^53 - 1/],
  [["generate", "a", "--max-time", "0"], 2, /--max-time must be > 0 seconds, got 0/],
  [["generate", "a", "-k", "0"], 2, /--num-speculative-tokens must be an integer from 1 to 64, got 0/],
  [["generate", "a", "-k", "999"], 2, /--num-speculative-tokens must be an integer from 1 to 64, got 999/],
  [["generate", "a", "--method", "drat"], 2, /unknown method "drat".*Did you mean "draft"\?/],
  [
    ["generate", "a", "--method", "none", "-k", "3"],
    2,
    /method "none" has no option "numSpeculativeTokens": it has none/,
  ],
  [["generate", "a", "--draft-policy", "greedy"], 2, /unknown --draft-policy "greedy", expected one of: constant/],
  [["generate", "a", "--tree-widths", "2,x"], 2, /--tree-widths must be a list of children per node/],
  [["generate", "a", "--tree-widths", "2,"], 2, /--tree-widths must be a list of children per node/],
  [["generate", "a", "--skip-layers", "1,"], 2, /layers to skip must be some, not all, of 0 to 5/],
  [["generate", "a", "--method", "ngram", "-d", "models/draft"], 2, /method "ngram" uses no draft model/],
  [["generate", "a", "--method", "universal"], 2, /the same tokenizer: use method "draft"/],
  [["generate", "a", "--method", "draft-medusa"], 2, /or --draft-model with --draft-heads/],
  [["generate", "a", "--drafters", "ngram"], 2, /--drafters must list two or more different methods/],
  [["generate", "a", "--window-size", "0"], 2, /--window-size must be an integer from 1 to 120, got 0/],
  [["generate", "a", "--heads", join(HERE, "empty")], 1, /has no medusa_lm_head\.safetensors/],
  [["generate", "a", "--heads", "models/medusa-heads", "--tree-choices", "[[0,0]]"], 2, /has no parent/],
  [["generate", "a", "--method", "recycling", "--successors", join(HERE, "file")], 2, /no memory of token recycling/],
  [["generate", "a", "--lookup-corpus", join(HERE, "nowhere")], 1, /cannot be read \(ENOENT\)/],
  [["generate", "a", "--json-schema", join(HERE, "file")], 2, /is no JSON/],
  [["generate", "a", "--confidence-threshold", "0.3"], 2, /confidenceThreshold belongs to policy "confidence"/],
  [["generate", "a", "--posterior-threshold", "0.1"], 2, /belong to acceptance "typical"/],
  [["generate", "a", "--coupling", "maxmal"], 2, /unknown --coupling "maxmal"/],
  [["generate", "a", "--stop", ""], 2, /--stop holds an empty text/],
  [["generate", "a", "--dtype", "q7"], 2, /unknown --dtype "q7".*Did you mean/],
  [["generate", "a", "--threads", "0"], 2, /--threads must be an integer from 1/],
  [["generate", "a", "--context-length", "1"], 2, /--context-length must be an integer from 2/],
  [["generate", "a", "--context-length", "99999999"], 2, /--context-length must be an integer from 2 to the model's/],
  [
    ["generate", "a", "--cache-dtype", "q4"],
    2,
    /unknown --cache-dtype "q4", expected one of: fp32, fp16, q8.*use "q8"/,
  ],
  [["generate", "a", "--cache-dtype", "bf16"], 2, /unknown --cache-dtype "bf16".*use "fp16"/],
  [["generate", "a", "--draft-dtype", "q7"], 2, /unknown --draft-dtype "q7"/],
  [["chat", "--top-p", "2"], 2, /--top-p must be in/],
  [["generate", "a", "--chat"], 2, /no chat template/],
  [["generate", "a", "--model", join(HERE, "nowhere")], 1, /no checkpoint directory at/],
  [["generate", "a", "--model", join(HERE, "file")], 1, /no checkpoint directory at/],
  [["generate", "a", "--model", join(HERE, "empty")], 1, /config\.json does not exist/],
  [["generate", "a", "--draft-model", "test/oracle/llama/gqa-tied"], 2, /no tokenizers to compare/],
  [
    ["generate", "a", "--heads", "test/oracle/eagle/safeai"],
    2,
    /the heads read hidden states of 32, the base's have 256/,
  ],
  [
    ["generate", "a", "-m", "models/target", "--method", "eagle"],
    2,
    /needs EAGLE-3 heads: generate with an EagleModel, or give --heads/,
  ],
  [["generate", "a", "--model", "test/oracle/eagle/safeai"], 1, /is of EAGLE-3 heads, which draft for another model/],
  [["generate", "a", "--trace", join(HERE, "no", "such", "file")], 1, /trace file .* cannot be written \(ENOENT\)/],
  [["chat", "--model", join(HERE, "empty")], 1, /config\.json does not exist/],
  [["chat", "extra"], 2, /takes no words/],
  [["inspect", join(HERE, "nowhere")], 1, /no checkpoint directory/],
  [["inspect", "--jso"], 2, /unknown flag --jso\. Did you mean --json\?/],
  [["doctor", "now"], 2, /takes no words/],
];

test.each(cases)("%j", async (args, code, says) => {
  const result = await command(args);
  expect(result.stderr).toMatch(says);
  expect(result.stderr.trimEnd().split("\n"), "one line").toHaveLength(1);
  expect(result.stderr).toMatch(/^foretoken: /);
  expect(result.stdout).toBe("");
  expect(result.code).toBe(code);
});

test("a cache that cannot be written", async () => {
  const result = await foretoken(["generate", "a", "-n", "1"], {
    env: { FORETOKEN_CACHE: join(HERE, "file", "cache") },
  });
  expect(result).toMatchObject({ code: 1, stdout: "" });
  expect(result.stderr).toMatch(
    /^foretoken: cannot use the model cache in .*set FORETOKEN_CACHE to a folder you can write\n$/,
  );
});

test("a number of threads in the environment that is none", async () => {
  const result = await foretoken(["generate", "a", "-n", "1"], { env: { FORETOKEN_THREADS: "many" } });
  expect(result).toMatchObject({ code: 2, stdout: "" });
  expect(result.stderr).toBe('foretoken: FORETOKEN_THREADS="many" is wrong: it must be an integer from 1 to 1024\n');
});

test("a cache of fewer bits without the native operators", async () => {
  const args = ["generate", "a", "-n", "1", "--cache-dtype", "q8"];
  const result = await foretoken(args, { env: { FORETOKEN_NATIVE: "off" } });
  expect(result).toMatchObject({ code: 2, stdout: "" });
  expect(result.stderr).toMatch(
    /^foretoken: --cache-dtype "q8" needs Foretoken's own operators, which do not run here \(FORETOKEN_NATIVE is off\): .*\n$/,
  );
});

test("a prompt longer than the context", async () => {
  const result = await foretoken(["generate", "-", "--context-length", "64"], { stdin: "a word ".repeat(100) });
  expect(result).toMatchObject({ code: 1, stdout: "" });
  expect(result.stderr).toMatch(/^foretoken: the prompt has \d+ tokens but the context is 64: shorten it.*\n$/);
});

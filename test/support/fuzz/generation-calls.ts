import { expect } from "vitest";
import type { LanguageModel, SingleOptions } from "../../../src/index.js";
import { BAD_DRAFTERS, badMethod } from "../bad-drafters.js";
import type { Random } from "../random.js";

const PROMPTS = [[5, 9, 200], [1000, 77, 8, 9, 1000, 77, 8], [42], Array.from({ length: 60 }, (_, i) => i * 31)];
const NEW_TOKENS = 8;

/** Random generations beside and between the engine's calls: right, failing, aborted, left early, several at once. */
export class GenerationCalls {
  private readonly plain = new Map<string, number[]>();
  private readonly bad = BAD_DRAFTERS.filter(([, { dispose }]) => !dispose).flatMap(([, flaws]) =>
    [0, 2].map((from) => badMethod(flaws, from)),
  );

  constructor(
    private readonly target: LanguageModel,
    private readonly draft: LanguageModel,
    private readonly random: Random,
  ) {}

  readonly calls: readonly (() => Promise<void>)[] = [
    () => this.right(),
    () => this.together(),
    () => this.failing(),
    () => this.leftEarly(),
    () => this.aborted(),
  ];

  private speculation(): SingleOptions {
    const { draft } = this;
    return this.random.pick<SingleOptions>([
      { assistantModel: draft, speculation: { method: "draft", treeWidths: [3, 2, 1] } },
      { assistantModel: draft, speculation: { method: "draft" } },
      { assistantModel: draft },
      { speculation: { method: "recycling" } },
      { speculation: { method: "ngram" } },
      { speculation: { method: "lookahead" } },
      { speculation: { method: "merged", drafters: ["draft", "recycling"] }, assistantModel: draft },
      { speculation: { method: "layer-skip", skipLayers: [1] } },
    ]);
  }

  private sampling(): SingleOptions {
    return { maxNewTokens: NEW_TOKENS, ignoreEos: true, ...this.random.pick([{}, { temperature: 0.8, seed: 3 }]) };
  }

  private async right(): Promise<void> {
    const { random } = this;
    const prompt = random.pick(PROMPTS);
    const sampling = this.sampling();
    const key = JSON.stringify([prompt, sampling]);
    const expected =
      this.plain.get(key) ??
      (await this.target.generate(prompt, { ...sampling, speculation: { method: "none" } })).tokenIds;
    this.plain.set(key, expected);
    expect((await this.target.generate(prompt, { ...sampling, ...this.speculation() })).tokenIds).toEqual(expected);
  }

  private async together(): Promise<void> {
    const some = this.random.list(3, () => this.random.pick([() => this.right(), () => this.failing()])());
    await Promise.all(some);
  }

  private async failing(): Promise<void> {
    const method = this.random.pick(this.bad);
    const call = this.target.generate(this.random.pick(PROMPTS), { ...this.sampling(), speculation: { method } });
    const error = await call.then(
      () => undefined,
      (thrown: Error) => thrown,
    );
    // A flaw of the last step may come too late to matter.
    if (error) expect(error.message).toMatch(new RegExp(`^(create of method|fork of)? ?"?drafter "${method}"`));
  }

  private async leftEarly(): Promise<void> {
    let left = this.random.int(1, 4);
    const options = { ...this.sampling(), ...this.speculation() };
    for await (const _ of this.target.stream([PROMPTS[0], PROMPTS[1]], options)) if (--left === 0) break;
  }

  private async aborted(): Promise<void> {
    const controller = new AbortController();
    const options = { ...this.sampling(), ...this.speculation(), signal: controller.signal };
    const running = this.target.generate(this.random.pick(PROMPTS), options);
    const ms = this.random.int(0, 6);
    setTimeout(() => controller.abort(), ms);
    const { finishReason } = await running;
    expect(["aborted", "length"]).toContain(finishReason);
  }
}

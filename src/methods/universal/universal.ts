import type { PassResult } from "../../engine/rows.js";
import type { Tokenizer } from "../../tokenizer/tokenizer.js";
import { VocabularyMap } from "../../tokenizer/vocabulary-map.js";
import { chain } from "../../trees/token-tree.js";
import { UsageError } from "../../types/errors.js";
import type { TokenId } from "../../types/token.js";
import type { DraftContext, DraftExhausted, Drafter, StepPlan } from "../drafter.js";
import { optionOf } from "../options.js";
import type { Method } from "../registry.js";
import { ForeignReader } from "./foreign-reader.js";
import { alignText, shownText } from "./text-alignment.js";

/** What both ways share. */
abstract class UniversalDrafter implements Drafter {
  readonly name = "universal";
  /** Set when the draft's context is full: nothing is drafted from there on. */
  exhausted: DraftExhausted | undefined;

  constructor(
    protected readonly reader: ForeignReader,
    protected readonly target: Tokenizer,
    protected readonly draft: Tokenizer,
    protected readonly length: number,
  ) {}

  readPrompt(tokens: readonly TokenId[], signal?: AbortSignal): Promise<void> {
    return this.reader.readPrompt(tokens, signal);
  }

  async begin(): Promise<void> {}

  propose(context: DraftContext, budget: number): Promise<StepPlan> {
    return this.reader.step(async () => {
      const { history, maxDepth } = context;
      const room = Math.min(this.length, maxDepth, budget);
      const drafted = room > 0 ? await this.continuation(context, room) : [];
      const { full, model } = this.reader;
      if (full && room > 0) this.exhausted ??= { at: history.length, contextLength: model.contextLength };
      return { tree: chain(history.at(history.length - 1), drafted.slice(0, room), this.name) };
    });
  }

  observe(): void {}

  abstract fork(): Drafter;

  dispose(): void {
    this.reader.dispose();
  }

  /** Up to `length` of the target's tokens after the text. */
  protected abstract continuation(context: DraftContext, length: number): Promise<TokenId[]>;
}

/**
 * Proposes tokens that both tokenizers have (token-level intersection; Timor et al. 2025). The draft's logits are put
 * under the target's ids, so that processors and noise are the target's and sampled proposals agree with it.
 */
class SharedVocabularyDrafter extends UniversalDrafter {
  private row = new Float32Array(0);

  fork(): Drafter {
    const { model, map } = this.reader;
    return new SharedVocabularyDrafter(
      new ForeignReader(model, map, this.reader),
      this.target,
      this.draft,
      this.length,
    );
  }

  protected async continuation({ history, sampler, signal }: DraftContext, length: number) {
    const drafted: TokenId[] = [];
    const choose = (logits: Float32Array) => {
      if (!sampler.needsLogits(history.newTokens)) return this.likeliestShared(logits);
      const row = this.underTargetIds(logits);
      const token = sampler.tryChoose(row, history);
      return token === undefined || row[token] === NOT_SHARED ? undefined : token;
    };
    const use = (result: PassResult, row: number) => history.along(drafted, () => choose(result.logits(row)));
    for (let found = await this.reader.readText(history, use, signal); found?.value !== undefined; ) {
      drafted.push(found.value);
      if (drafted.length === length) break;
      found = await this.reader.readOn(this.reader.map.toDraft(found.value), use, signal);
    }
    return drafted;
  }

  private likeliestShared(logits: Float32Array): TokenId | undefined {
    const { toTarget } = this.reader.map;
    let best = -1;
    for (let id = 0; id < toTarget.length; id++) {
      if (toTarget[id] >= 0 && (best < 0 || logits[id] > logits[best])) best = id;
    }
    return best < 0 ? undefined : toTarget[best];
  }

  private underTargetIds(logits: Float32Array): Float32Array {
    if (this.row.length === 0) this.row = new Float32Array(this.target.vocabSize);
    const { toTarget } = this.reader.map;
    this.row.fill(NOT_SHARED);
    for (let id = 0; id < toTarget.length; id++) if (toTarget[id] >= 0) this.row[toTarget[id]] = logits[id];
    return this.row;
  }
}

/**
 * Lets the draft write text in its own tokens, likeliest first, and proposes the target's tokens for that text (universal
 * assisted generation). Seams are aligned by encoding a little of what stands before together with it.
 */
class TextDrafter extends UniversalDrafter {
  fork(): Drafter {
    const { model, map } = this.reader;
    return new TextDrafter(new ForeignReader(model, map, this.reader), this.target, this.draft, this.length);
  }

  protected async continuation({ history, signal }: DraftContext, length: number) {
    const likeliest = (result: PassResult, row: number) => argmax(result.logits(row));
    const own: TokenId[] = [];
    for (let found = await this.reader.readText(history, likeliest, signal); found; ) {
      own.push(found.value);
      if (own.length === length) break;
      found = await this.reader.readOn([found.value], likeliest, signal);
    }
    if (own.length === 0) return [];
    const end = own.findIndex((id) => this.draft.specialTokenIds.has(id));
    const before = history.tail(CONTEXT);
    const text = shownText(
      this.draft,
      before.flatMap((token) => this.reader.map.toDraft(token)),
      end < 0 ? own : own.slice(0, end),
    );
    return alignText(this.target, before, text);
  }
}

/** The logit of tokens that the draft does not have: chosen only where a grammar or a ban leaves no other. */
const NOT_SHARED = Math.fround(-1e30);

/** Tokens before a seam that are encoded together with what follows it. */
const CONTEXT = 8;

function argmax(row: Float32Array): TokenId {
  let best = 0;
  for (let id = 1; id < row.length; id++) if (row[id] > row[best]) best = id;
  return best;
}

/**
 * With less of the smaller vocabulary in common a draft writes text. On SmolLM2 with a draft of 4096 tokens, 3766 of them shared,
 * shared tokens and text were accepted alike when greedy (266 and 269), shared ones more when sampling (249 and 189 with top-p).
 */
const ENOUGH_SHARED = 0.3;

export const universal: Method = {
  name: "universal",
  summary: "a draft model with another tokenizer: by shared tokens, or by text (needs a draft model)",
  options: ["numSpeculativeTokens", "alignment"],
  rank: 29,
  available: ({ assistant, assistantTokenizer }) => assistant !== undefined && assistantTokenizer !== undefined,
  create: ({ assistant, tokenizer, assistantTokenizer, options }) => {
    if (!assistant)
      throw new UsageError('method "universal" needs a draft model: give assistantModel or --draft-model');
    if (!tokenizer) throw new UsageError('method "universal" needs both tokenizers: the target has no tokenizer.json');
    if (!assistantTokenizer) {
      throw new UsageError('target and draft have the same tokenizer: use method "draft"');
    }
    const length = optionOf(options, "numSpeculativeTokens");
    const map = mapOf(tokenizer, assistantTokenizer);
    const alignment = optionOf(options, "alignment");
    const shares = map.shared >= ENOUGH_SHARED * Math.min(tokenizer.vocabSize, assistantTokenizer.vocabSize);
    const Kind = alignment === "shared" || (alignment === "auto" && shares) ? SharedVocabularyDrafter : TextDrafter;
    return new Kind(new ForeignReader(assistant, map), tokenizer, assistantTokenizer, length);
  },
};

const maps = new WeakMap<Tokenizer, WeakMap<Tokenizer, VocabularyMap>>();

function mapOf(target: Tokenizer, draft: Tokenizer): VocabularyMap {
  const known = maps.get(target) ?? new WeakMap<Tokenizer, VocabularyMap>();
  maps.set(target, known);
  const map = known.get(draft) ?? new VocabularyMap(target, draft);
  known.set(draft, map);
  return map;
}

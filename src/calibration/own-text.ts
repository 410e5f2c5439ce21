import type { LanguageModel } from "../api/language-model.js";
import type { Run } from "../generation/run.js";
import { Scheduler } from "../generation/scheduler.js";
import { uniforms } from "../training/random.js";
import { AnswersInOrder } from "../training/self-distill/answers-in-order.js";
import type { TokenId } from "../types/token.js";

export interface OwnTextSettings {
  /** Tokens of a text at most. */
  sequenceLength: number;
  seed: number;
  signal?: AbortSignal;
}

/** Seeds of texts lie so far apart that those of two calls do not meet. */
const SEEDS = 2 ** 22;

/**
 * Texts that the model writes at temperature 1, without an end: each from the token that begins texts, or where there is none from one
 * that is drawn evenly from the vocabulary (Liu et al. 2023, LLM-QAT). The same seed gives the same texts in the same order.
 */
export async function* ownText(model: LanguageModel, settings: OwnTextSettings): AsyncGenerator<TokenId[]> {
  const { sequenceLength, seed, signal } = settings;
  const { maxSequences, vocabLimit, config } = model.model;
  const uniform = uniforms(seed);
  const first = () => config.bosTokenId ?? Math.floor(uniform() * vocabLimit);
  const scheduler = new Scheduler(model.model, { maxRunning: maxSequences });
  const inMaking = new Map<Run, { place: number; tokens: TokenId[] }>();
  const texts = new AnswersInOrder<TokenId[]>();
  let begun = 0;
  try {
    while (true) {
      // Texts that are written ahead of the next one are kept: a short stretch.
      while (inMaking.size < maxSequences && texts.open < 2 * maxSequences) {
        const tokens = [first()];
        const sampling = {
          temperature: 1,
          topK: 0,
          topP: 1,
          maxNewTokens: sequenceLength - 1,
          speculation: { method: "none" },
        };
        const run = model.newRun(tokens, { ...sampling, seed: seed * SEEDS + begun, signal }, begun);
        texts.begin(begun);
        inMaking.set(run, { place: begun++, tokens });
        scheduler.add(run);
      }
      for (const done of await scheduler.step()) {
        if ("error" in done) throw done.error;
        const { place, tokens } = inMaking.get(done.run)!;
        if (done.event.type === "token") tokens.push(done.event.tokenId);
        else if (done.event.finishReason !== "aborted") {
          inMaking.delete(done.run);
          texts.finish(place, tokens);
        }
      }
      signal?.throwIfAborted();
      yield* texts.take();
    }
  } finally {
    scheduler.dispose();
  }
}

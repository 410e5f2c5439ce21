import { LanguageModel } from "../../api/language-model.js";
import type { FinishReason } from "../../generation/request.js";
import type { Run } from "../../generation/run.js";
import { Scheduler } from "../../generation/scheduler.js";
import type { Tokenizer } from "../../tokenizer/tokenizer.js";
import { ContextOverflowError, UsageError } from "../../types/errors.js";
import { checkOptions } from "../../types/option-table.js";
import { shown } from "../../types/shown.js";
import { warn } from "../../types/warn.js";
import { AnswerFile } from "./answer-file.js";
import { AnswersInOrder } from "./answers-in-order.js";
import { SELF_DISTILL_OPTIONS, type SelfDistillOptions } from "./options.js";
import { distillInput } from "./prompt-input.js";
import type { DistillPrompts } from "./prompts.js";

export interface SelfDistillation {
  /** The file of answers. */
  output: string;
  /** Answers that this call wrote. */
  answers: number;
  /** Prompts that were left out: longer than the context, nothing to continue, or answered with nothing. */
  leftOut: number;
  /** Tokens sampled. */
  tokens: number;
  seconds: number;
}

/** Answers that may be finished before the one that is to be written next, for each that is being made. */
const AHEAD = 4;
/** Seeds of prompts lie so far apart that those of two runs do not meet. */
const SEEDS = 2 ** 22;

/**
 * Lets the target answer prompts and writes what it says, one JSON line an answer in the order of the prompts: `messages`, or
 * `prompt` and `completion` for models without a chat template, with `finish_reason` "stop" or "length" and the prompt's place as `id`.
 * `TrainingData` reads it. Many are answered in the same passes, with speculation (n-grams unless told otherwise).
 * A run that was ended, in whatever way, resumes to the same bytes.
 * @throws UsageError for options, prompts or an output that make no sense; ForetokenError where the disk refuses; what aborts the signal
 */
export async function selfDistill(
  model: LanguageModel,
  prompts: DistillPrompts,
  given: SelfDistillOptions,
): Promise<SelfDistillation> {
  if (!(model instanceof LanguageModel))
    throw new UsageError(`selfDistill needs a loaded LanguageModel, got ${shown(model)}`);
  const { output, ...options } = checkOptions<SelfDistillOptions>(SELF_DISTILL_OPTIONS, given, { of: "selfDistill" });
  if (!output) throw new UsageError("selfDistill needs an output: the file that answers are written to");
  if (!hasTokenizer(model)) throw new UsageError("the model has no tokenizer.json: it cannot write text");
  const { resume = false, batchSize = model.model.maxSequences, prefixTokens, onProgress, signal } = options;
  const { seed = 0, temperature, topK, topP, maxNewTokens, assistantModel } = options;
  const speculation = options.speculation ?? { method: "auto" };
  const sampling = { temperature, topK, topP, maxNewTokens };
  model.request({ ...sampling, speculation });
  signal?.throwIfAborted();
  const fingerprint = prompts.fingerprint ?? "";
  const run = JSON.stringify({
    model: model.directory,
    dtype: model.dtype,
    fingerprint,
    seed,
    prefixTokens,
    ...sampling,
  });
  const file = await AnswerFile.open(output, run, resume);
  const started = performance.now();
  /** Lines; undefined for what is left out. */
  const answers = new AnswersInOrder<object | undefined>();
  const scheduler = new Scheduler(model.model, { maxRunning: batchSize });
  const inMaking = new Map<Run, { place: number; text: string; line(answer: string): object }>();
  const source = prompted(prompts, file.lastId);
  let [more, tokens, written, leftOut] = [true, 0, 0, 0];
  let over = file.lastId + 1;

  /** Takes the next prompt; false when there is none. */
  const begin = async () => {
    const { value, done } = await source.next();
    if (done) return false;
    const [place, prompt] = value;
    answers.begin(place);
    const input = distillInput(model, prompt, prefixTokens);
    if (!input) {
      answers.finish(place, undefined);
      return true;
    }
    try {
      const own = { ...sampling, speculation, assistantModel, signal, seed: seed * SEEDS + place };
      const next = model.newRun(input.input, own, place);
      inMaking.set(next, { place, text: "", line: input.line });
      scheduler.add(next);
    } catch (error) {
      if (!(error instanceof ContextOverflowError)) throw error;
      answers.finish(place, undefined);
    }
    return true;
  };
  const end = (ended: Run, reason: FinishReason) => {
    const { place, text, line } = inMaking.get(ended)!;
    inMaking.delete(ended);
    const finish_reason = reason === "eos" ? "stop" : "length";
    answers.finish(place, text === "" ? undefined : { id: place, ...line(text), finish_reason });
  };
  try {
    while (true) {
      while (more && inMaking.size < batchSize && answers.open < AHEAD * batchSize) more = await begin();
      if (scheduler.idle && answers.open === 0 && !more) break;
      for (const done of scheduler.idle ? [] : await scheduler.step()) {
        if ("error" in done) throw done.error;
        inMaking.get(done.run)!.text += done.event.text;
        if (done.event.type === "token") tokens++;
        else if (done.event.finishReason !== "aborted") end(done.run, done.event.finishReason);
      }
      signal?.throwIfAborted();
      const ready = answers.take();
      const answered = ready.filter((line) => line !== undefined);
      if (answered.length > 0) await file.append(answered);
      written += answered.length;
      leftOut += ready.length - answered.length;
      over += ready.length;
      const tokensPerSecond = (1000 * tokens) / (performance.now() - started);
      onProgress?.({ prompts: over, answers: written, tokens, tokensPerSecond });
    }
    await file.finish();
  } finally {
    scheduler.dispose();
    await file.close();
  }
  if (leftOut > 0) warn(`${leftOut} prompts were left out: longer than the context, or answered with nothing`);
  return { output, answers: written, leftOut, tokens, seconds: (performance.now() - started) / 1000 };
}

const hasTokenizer = (model: LanguageModel): model is LanguageModel & { tokenizer: Tokenizer } =>
  model.tokenizer !== undefined;

/** Prompts with their places, those up to `last` left out. */
async function* prompted(prompts: DistillPrompts, last: number) {
  let place = 0;
  for await (const prompt of prompts) {
    if (place > last) yield [place, prompt] as const;
    place++;
  }
}

import type { CausalLM } from "../engine/causal-lm.js";
import { Need, type PassResult, type TokenRows } from "../engine/rows.js";
import type { Sequence } from "../engine/sequence.js";
import type { Drafter } from "../methods/drafter.js";
import { GuestDrafter, limitsOf as planLimitsOf } from "../methods/guest-drafter.js";
import type { TokenHistory } from "../sampling/history.js";
import { logProbsOf } from "../sampling/log-probability.js";
import type { Sampler } from "../sampling/sampler.js";
import type { TokenId } from "../types/token.js";
import { Output, type TextStream } from "./output.js";
import type { FinishEvent, FinishReason, GenerationRequest, TokenEvent } from "./request.js";
import { StatsRecorder } from "./stats.js";
import {
  graft,
  type Judged,
  limitsOf,
  NO_STEM,
  outcomeOf,
  rowsOf,
  type Stem,
  type Step,
  type StepTimes,
  settle,
} from "./step.js";
import { tracePlan } from "./trace.js";
import { verify } from "./verify.js";

export interface RunOptions {
  model: CausalLM;
  /** Name of the method, for statistics. */
  method: string;
  /** Makes the run's drafter when it begins. Absent for a further sample of a prompt: it gets a copy from the first. */
  newDrafter?: () => Promise<Drafter>;
  sampler: Sampler;
  history: TokenHistory;
  request: GenerationRequest;
  text: TextStream | undefined;
  index: number;
  /** Further samples of the same prompt, which begin where this one has read it. */
  samples?: readonly Run[];
}

/** One output in the making: its sequence, history, drafter, text and statistics. */
export class Run {
  readonly stats: StatsRecorder;
  private readonly output: Output;
  private readonly prompt: readonly TokenId[];
  private ownDrafter: Drafter | undefined;
  private sequence: Sequence | undefined;
  private begun = false;
  private steps = 0;
  private stem: Stem = NO_STEM;
  private finishReason: FinishReason | undefined;
  private started = performance.now();
  private live = true;

  constructor(private readonly options: RunOptions) {
    const { method, model, request, sampler } = options;
    this.stats = new StatsRecorder(method, model.exactness, request.typical === undefined || sampler.greedy);
    this.output = new Output(options.index, options.request, options.text);
    this.prompt = options.history.tail(options.history.length);
  }

  get signal(): AbortSignal | undefined {
    return this.options.request.signal;
  }

  get finished(): boolean {
    return this.finishReason !== undefined;
  }

  /** Whether the prompt is read but for its last token, the root of the first step. */
  get decoding(): boolean {
    return this.begun;
  }

  /** Time counts from here: runs of a large batch wait for others. */
  async start(): Promise<void> {
    this.startClock();
    const { model, newDrafter } = this.options;
    this.ownDrafter = new GuestDrafter(await newDrafter!(), planLimitsOf(model));
    this.sequence = model.newSequence();
  }

  /** The next tokens of the prompt, at most `most`; undefined when all are read. */
  promptRows(most: number): TokenRows | undefined {
    const sequence = this.sequence!;
    const tokens = this.prompt.slice(sequence.length, Math.min(sequence.length + most, this.prompt.length - 1));
    const need = this.drafter.promptNeeds ?? Need.nothing;
    return tokens.length > 0 ? { sequence, tokens, needs: tokens.map(() => need) } : undefined;
  }

  /** Lets the drafter see rows of the prompt that it asked for. @param place of the sequence in the pass */
  observePrompt({ sequence, tokens, needs }: TokenRows, result: PassResult, place: number): void {
    if (needs[0] === Need.nothing) return;
    this.drafter.observePrompt?.({ place: sequence.length, rows: tokens.map((_, i) => i) }, result, place);
  }

  /** After a pass has read these rows. Returns the further samples of the prompt once it is all read. */
  async readPrompt(rows?: TokenRows): Promise<readonly Run[]> {
    const { samples = [] } = this.options;
    if (rows) {
      this.sequence!.commit(rows.tokens.map((_, i) => i));
      await this.drafter.readPrompt?.(rows.tokens, this.signal);
    }
    if (this.sequence!.length < this.prompt.length - 1) return [];
    await this.drafter.begin(this.prompt);
    this.begun = true;
    this.stats.prefillMs = performance.now() - this.started;
    for (const sample of samples) sample.adopt(this.sequence!.fork(), this.drafter.fork());
    return samples;
  }

  private adopt(sequence: Sequence, drafter: Drafter): void {
    this.startClock();
    this.sequence = sequence;
    this.ownDrafter = drafter;
    this.begun = true;
  }

  private startClock(): void {
    this.started = performance.now();
    this.stats.begin();
  }

  /** Ends the run when it is aborted, its time is up or the context is full; true when it is over. */
  checkLimits(): boolean {
    const { model, history, request } = this.options;
    if (request.signal?.aborted) this.end("aborted");
    if (request.maxNewTokens === 0) this.end("length");
    if (history.length >= model.contextLength) this.end("context");
    if (this.sequence && performance.now() - this.started >= request.maxTime * 1000) this.end("time");
    return this.finished;
  }

  /** @param sequences in the coming pass */
  async propose(sequences: number): Promise<Step> {
    const { history, sampler, request, model } = this.options;
    const room = Math.min(request.maxNewTokens - this.output.newTokens, model.contextLength - history.length);
    const limits = limitsOf(room, this.stem);
    const { coupling } = request;
    const { maxDepth } = limits;
    const context = { history, sampler, coupling, maxDepth, sequences, signal: this.signal };
    const root = history.at(history.length - 1);
    const own = await history.along(limits.stem.tokens, () => this.drafter.propose(context, limits.budget));
    this.stats.draftExhausted ??= this.drafter.exhausted;
    return { limits, own, plan: graft(own, root, limits.stem) };
  }

  /** The step's rows for the target's pass, each asking for what verification and the drafter read. */
  rows({ plan }: Step): TokenRows {
    const verified = this.usesLogits ? Need.logits : Need.top;
    return { sequence: this.sequence!, ...rowsOf(plan, verified) };
  }

  /** Walks the tree by the target's rows; afterwards the history holds the accepted tokens, the last one not. */
  judge({ own, plan, limits }: Step, result: PassResult, place: number): Judged {
    const { request, history, sampler, model } = this.options;
    const root = history.length - 1;
    const verdict = verify(plan.tree, result, place, {
      history,
      sampler,
      request,
      usesLogits: this.usesLogits,
      drafter: this.drafter.name,
      exactTrees: model.exactTrees,
      isFinal: (token) =>
        request.stopTokenIds.has(token) ||
        history.newTokens >= request.maxNewTokens ||
        history.length >= model.contextLength,
    });
    const settled = settle(plan.tree, verdict, this.drafter.name);
    const logProbs = settled.tokens.map((token, i) =>
      logProbsOf(() => result.logits(verdict.path[i], place), token, request.logProbs, model.vocabLimit),
    );
    const known = limits.stem.tokens.length;
    this.drafter.observe(outcomeOf(own, { known, root }, settled, result, place));
    return { verdict, settled, logProbs };
  }

  /** Keeps the accepted rows and emits their tokens, up to the end of the output. */
  commit({ plan, limits }: Step, { verdict, settled, logProbs }: Judged, times: StepTimes): TokenEvent[] {
    const { history, request, index } = this.options;
    const { path, next, foreseen } = verdict;
    this.sequence!.commit(path);
    const position = history.length - path.length + 1;
    if (next !== undefined) history.push(next);
    this.stem = settled.stem;
    const events: TokenEvent[] = [];
    for (const [i, token] of settled.tokens.entries()) {
      const tokens = () => history.first(position + i + 1);
      events.push({ ...this.output.push(token, settled.sources[i], tokens), ...logProbs[i] });
      if (this.output.finishReason) break;
    }
    if (this.output.finishReason) this.end(this.output.finishReason);
    const known = limits.stem.tokens.length;
    this.stats.step(plan.tree, settled.right, known, settled.sources.slice(0, events.length));
    if (plan.withheld) this.stats.guardedSteps++;
    this.stats.time(times);
    request.trace?.({
      v: 1,
      index,
      step: this.steps,
      position,
      ...tracePlan(plan),
      known,
      path,
      foreseen: foreseen?.path ?? [],
      committed: events.map((event) => event.tokenId),
      ...times,
    });
    this.steps++;
    return events;
  }

  end(reason: FinishReason): void {
    this.finishReason ??= reason;
  }

  finish(): FinishEvent {
    const text = this.output.flush();
    this.stats.finish();
    const finishReason = this.output.finishReason ?? this.finishReason!;
    const { params } = this.options.request;
    const seed = params.doSample ? { seed: params.seed } : {};
    return { type: "finish", index: this.options.index, text, finishReason, ...seed, stats: this.stats.result() };
  }

  /** Further samples that have not begun go with it. */
  dispose(): void {
    if (!this.live) return;
    this.live = false;
    this.sequence?.dispose();
    this.options.sampler.dispose();
    if (!this.begun) for (const sample of this.options.samples ?? []) sample.dispose();
    // Last: it may be anybody's, and throw.
    this.ownDrafter?.dispose();
  }

  private get drafter(): Drafter {
    return this.ownDrafter!;
  }

  /** Whether choosing a token takes whole rows of logits. */
  private get usesLogits(): boolean {
    const { sampler, history, request } = this.options;
    return sampler.needsLogits(history.newTokens) || request.logProbs !== undefined;
  }
}

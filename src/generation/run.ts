import type { CausalLM } from "../engine/causal-lm.js";
import { Need, type PassResult, type TokenRows } from "../engine/rows.js";
import type { Sequence } from "../engine/sequence.js";
import type { TokenHistory } from "../sampling/history.js";
import { logProbability, topLogProbabilities } from "../sampling/log-probability.js";
import type { Sampler } from "../sampling/sampler.js";
import type { Drafter, StepPlan } from "../speculation/drafter.js";
import { GuestDrafter, limitsOf } from "../speculation/guest-drafter.js";
import { StatsRecorder, TARGET } from "../speculation/stats.js";
import { traceTree } from "../speculation/trace.js";
import type { TokenTree } from "../speculation/trees/token-tree.js";
import type { Verdict } from "../speculation/verification/verifier.js";
import type { TokenId } from "../types/token.js";
import { Output, type TextStream } from "./output.js";
import type { FinishEvent, FinishReason, GenerationRequest, TokenEvent } from "./request.js";
import { verify } from "./verify.js";

/** Most candidate tokens in a step's tree: the rows that the engine keeps spare slots for are 256. */
export const MAX_CANDIDATES = 128;

type LogProbs = Pick<TokenEvent, "logProb" | "topLogProbs">;

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
  private ownDrafter: Drafter | undefined;
  private sequence: Sequence | undefined;
  private steps = 0;
  private draftMs = 0;
  private logProbs: LogProbs[] = [];
  /** Tokens that almost surely come next, and who proposed them. */
  private foreseen: { tokens: TokenId[]; sources: string[] } = { tokens: [], sources: [] };
  private finishReason: FinishReason | undefined;
  private started = performance.now();
  private live = true;

  constructor(private readonly options: RunOptions) {
    const { method, model, request, sampler } = options;
    this.stats = new StatsRecorder(method, model.exactness, request.typical === undefined || sampler.greedy);
    this.output = new Output(options.index, options.request, options.text);
  }

  get signal(): AbortSignal | undefined {
    return this.options.request.signal;
  }

  get finished(): boolean {
    return this.finishReason !== undefined;
  }

  /** Reads all of the prompt but its last token, which is the root of the first step; for further samples too. */
  async begin(): Promise<void> {
    const { model, history, samples = [] } = this.options;
    if (this.sequence) return;
    this.start();
    const start = performance.now();
    this.ownDrafter = new GuestDrafter(await this.options.newDrafter!(), limitsOf(model));
    const prompt = history.tail(history.length);
    this.sequence = model.newSequence();
    await model.prefill(this.sequence, prompt.slice(0, -1), { signal: this.signal });
    await this.drafter.begin(prompt, this.signal);
    this.stats.prefillMs = performance.now() - start;
    for (const sample of samples) sample.adopt(this.sequence.fork(), this.drafter.fork());
  }

  private get drafter(): Drafter {
    return this.ownDrafter!;
  }

  private adopt(sequence: Sequence, drafter: Drafter): void {
    this.start();
    this.sequence = sequence;
    this.ownDrafter = drafter;
  }

  /** Time counts from when the run begins: runs of a large batch wait for others. */
  private start(): void {
    this.started = performance.now();
    this.stats.begin();
  }

  /** Ends the run when its time is up or the context is full; true when it is over. */
  checkLimits(): boolean {
    const { model, history, request } = this.options;
    if (request.maxNewTokens === 0) this.end("length");
    if (history.length >= model.contextLength) this.end("context");
    if (performance.now() - this.started >= request.maxTime * 1000) this.end("time");
    return this.finished;
  }

  async propose(): Promise<StepPlan> {
    const { history, sampler, request, model } = this.options;
    const start = performance.now();
    const room = Math.min(request.maxNewTokens - this.output.newTokens, model.contextLength - history.length);
    const maxDepth = room - 1;
    const foreseen = this.foreseen.tokens.slice(0, maxDepth);
    const context = { history, sampler, coupling: request.coupling, foreseen, maxDepth, signal: this.signal };
    const plan = await this.drafter.propose(context, room > 1 ? MAX_CANDIDATES : 0);
    this.draftMs = performance.now() - start;
    this.stats.draftMs += this.draftMs;
    this.stats.draftExhausted ??= this.drafter.exhausted;
    return plan;
  }

  /** The plan's rows for the target's pass, each asking for what verification and the drafter read. */
  rows({ tree, extra, needs, needsOfLast = Need.nothing }: StepPlan): TokenRows {
    const { sampler, history, request } = this.options;
    const verified = sampler.needsLogits(history.newTokens) || request.logProbs !== undefined ? Need.logits : Need.top;
    const tokens = extra ? [...tree.tokens, ...extra.tokens] : tree.tokens;
    const parents = extra ? [...tree.parents, ...extra.parents] : tree.parents;
    const nodes = tree.tokens.length;
    const all = tokens.map(
      (_, i) => (i < nodes ? verified | needsOfLast : Need.nothing) | (needs?.[i] ?? Need.nothing),
    );
    return { sequence: this.sequence!, tokens, parents, needs: all };
  }

  /** Walks the tree by the target's rows; afterwards the history holds the accepted tokens. */
  judge(plan: StepPlan, result: PassResult, place: number): Verdict {
    const { request, history, sampler } = this.options;
    const committed = history.length;
    const verdict = verify(plan.tree, result, place, {
      history,
      sampler,
      coupling: request.coupling,
      typical: request.typical,
      usesLogits: sampler.needsLogits(history.newTokens) || request.logProbs !== undefined,
      drafter: this.drafter.name,
      isFinal: (token) => request.stopTokenIds.has(token) || this.isLast(),
    });
    const tokens = [...history.tail(history.length - committed), ...(verdict.next === undefined ? [] : [verdict.next])];
    this.logProbs = tokens.map((token, i) => this.logProbOf(result, verdict.path[i], place, token));
    const foreseen = verdict.foreseen?.path ?? [];
    const last = (foreseen.length > 0 ? foreseen : verdict.path).at(-1)!;
    this.drafter.observe({ committed: tokens, path: verdict.path, foreseen, last, result, request: place });
    return verdict;
  }

  /** Keeps the accepted rows and emits their tokens, up to the end of the output. */
  commit({ tree, extra }: StepPlan, { path, next, foreseen }: Verdict, targetMs: number): TokenEvent[] {
    const { history, request, index } = this.options;
    this.sequence!.commit(path);
    const position = history.length - path.length + 1;
    const known = this.known(tree);
    const sourceOf = (node: number) =>
      node <= known ? this.foreseen.sources[node - 1] : (tree.sources?.[node] ?? this.drafter.name);
    const tokens = path.slice(1).map((node) => tree.tokens[node]);
    const sources = path.slice(1).map(sourceOf);
    const side = foreseen?.path ?? [];
    if (next !== undefined) {
      history.push(next);
      tokens.push(next);
      sources.push(side.length > 0 ? sourceOf(side[0]) : TARGET);
    }
    this.foreseen = {
      tokens: foreseen?.tokens ?? [],
      sources: [...side.slice(1).map(sourceOf), TARGET],
    };
    const events: TokenEvent[] = [];
    for (const [i, token] of tokens.entries()) {
      events.push({ ...this.output.push(token, sources[i]), ...this.logProbs[i] });
      if (this.output.finishReason) break;
    }
    if (this.output.finishReason) this.end(this.output.finishReason);
    const committed = events.map((event) => event.tokenId);
    this.stats.step(tree, [...path, ...side], known, sources.slice(0, events.length));
    this.stats.targetMs += targetMs;
    const step = this.steps++;
    const [draftMs, traced] = [this.draftMs, traceTree(tree)];
    request.trace?.({
      v: 1,
      index,
      step,
      position,
      tree: traced,
      rows: tree.tokens.length + (extra?.tokens.length ?? 0),
      known,
      path,
      foreseen: side,
      committed,
      draftMs,
      targetMs,
    });
    return events;
  }

  /** How many of the foreseen tokens the tree begins with. */
  private known(tree: TokenTree): number {
    const { tokens } = this.foreseen;
    let known = 0;
    while (tree.parents[known + 1] === known && tree.tokens[known + 1] === tokens[known]) known++;
    return known;
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

  dispose(): void {
    if (!this.live) return;
    this.live = false;
    this.sequence?.dispose();
    this.options.sampler.dispose();
    // Last: it may be anybody's, and throw.
    this.ownDrafter?.dispose();
  }

  /** Whether the token just pushed onto the history is the last one that fits. */
  private isLast(): boolean {
    const { history, request, model } = this.options;
    return history.newTokens >= request.maxNewTokens || history.length >= model.contextLength;
  }

  private logProbOf(result: PassResult, node: number, place: number, token: TokenId): LogProbs {
    const { request, model } = this.options;
    if (request.logProbs === undefined) return {};
    const row = result.logits(node, place);
    const logProb = logProbability(row, token, model.vocabLimit);
    if (request.logProbs === 0) return { logProb };
    return { logProb, topLogProbs: topLogProbabilities(row, request.logProbs, model.vocabLimit) };
  }
}

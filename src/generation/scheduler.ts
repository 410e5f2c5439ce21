import type { CausalLM } from "../engine/causal-lm.js";
import { PREFILL_CHUNK } from "../engine/prefill.js";
import type { PassResult, TokenRows } from "../engine/rows.js";
import type { GenerationEvent } from "./request.js";
import type { Run } from "./run.js";
import type { Judged, Step, StepTimes } from "./step.js";

/** Rows of prompts beside outputs that go on: a pass then takes two to three times as long as without. */
const PROMPT_ROWS_BESIDE = 32;
/** Runs that hold a cache at the same time unless told otherwise; the rest wait. */
const MAX_RUNNING = 16;

/** What became of a run in a step. An error is the end of its run, and of no other. */
export type Scheduled = { run: Run; event: GenerationEvent } | { run: Run; error: unknown };

export interface SchedulerOptions {
  /** Most runs that hold a cache at the same time. Default 16. */
  maxRunning?: number;
}

/** A run's part of a pass: rows of its prompt, or a step of its output. */
interface Part {
  run: Run;
  rows: TokenRows;
  step?: Step;
  /** Once the pass has run. */
  judged?: Judged;
  error?: unknown;
}

/**
 * Decodes any number of runs together, which may come and go between steps. A step is one pass of the target: it verifies
 * what some runs' drafters proposed and reads on in the prompts of others. More runs than a pass takes go round in turn.
 */
export class Scheduler {
  private readonly waiting: Run[] = [];
  /** Runs that have begun; those that waited longest for a pass come first. */
  private readonly running: Run[] = [];
  private readonly maxRunning: number;

  constructor(
    private readonly model: CausalLM,
    options: SchedulerOptions = {},
  ) {
    this.maxRunning = options.maxRunning ?? MAX_RUNNING;
  }

  /** Takes a run, which begins when there is room. The scheduler disposes of it. */
  add(run: Run): void {
    this.waiting.push(run);
  }

  /** Ends a run with what it has; its last event comes with the next step. */
  cancel(run: Run): void {
    run.end("aborted");
  }

  /** Whether there is nothing to do. */
  get idle(): boolean {
    return this.waiting.length === 0 && this.running.length === 0;
  }

  /** One step. Never throws for a fault of a single run. */
  async step(): Promise<Scheduled[]> {
    const done: Scheduled[] = [];
    await this.admit(done);
    this.sweep(done);
    const start = performance.now();
    const parts = await this.propose(this.nextSteps(), done);
    const draftMs = (performance.now() - start) / Math.max(1, parts.length);
    parts.push(...this.nextPrompts(parts.length));
    if (parts.length > 0) await this.pass(parts, draftMs, done);
    this.sweep(done);
    return done;
  }

  /** Ends all runs without a word. @throws what the first threw that could not be disposed of; the others are all the same */
  dispose(): void {
    const done: Scheduled[] = [];
    for (const run of [...this.running, ...this.waiting]) this.remove(run, done);
    for (const ended of done) if ("error" in ended) throw ended.error;
  }

  /** Lets waiting runs begin. */
  private async admit(done: Scheduled[]): Promise<void> {
    while (this.waiting.length > 0 && this.running.length < this.maxRunning) {
      const run = this.waiting.shift()!;
      this.running.push(run);
      if (run.checkLimits()) continue;
      await this.guard(run, done, async () => {
        await run.start();
        // A prompt of one token is read already.
        if (!run.promptRows(1)) this.running.push(...(await run.readPrompt()));
      });
    }
  }

  /** Sends off runs that are over, those that still wait too. */
  private sweep(done: Scheduled[]): void {
    for (const run of [...this.running, ...this.waiting]) {
      if (!run.checkLimits()) continue;
      done.push({ run, event: run.finish() });
      this.remove(run, done);
    }
  }

  /** Runs whose outputs go on in the next pass; one place is left for prompts, if there are any. */
  private nextSteps(): Run[] {
    const prompts = this.running.some((run) => !run.decoding) ? 1 : 0;
    return this.running.filter((run) => run.decoding).slice(0, this.model.maxSequences - prompts);
  }

  /** Lets the drafters of all these runs propose at the same time: what they ask of a draft model runs together. */
  private async propose(runs: readonly Run[], done: Scheduled[]): Promise<Part[]> {
    const parts: (Part | undefined)[] = runs.map(() => undefined);
    const proposal = async (run: Run, i: number) => {
      const step = await run.propose(runs.length);
      parts[i] = { run, step, rows: run.rows(step) };
    };
    await Promise.all(runs.map((run, i) => this.guard(run, done, () => proposal(run, i))));
    return parts.filter((part) => part !== undefined);
  }

  /** Rows of prompts, shared out among those that are being read. */
  private nextPrompts(steps: number): Part[] {
    const readers = this.running.filter((run) => !run.decoding).slice(0, this.model.maxSequences - steps);
    const share = Math.ceil((steps > 0 ? PROMPT_ROWS_BESIDE : PREFILL_CHUNK) / readers.length);
    return readers.map((run) => ({ run, rows: run.promptRows(share)! }));
  }

  private async pass(parts: readonly Part[], draftMs: number, done: Scheduled[]): Promise<void> {
    const start = performance.now();
    let targetMs = 0;
    const read = (result: PassResult) => {
      targetMs = (performance.now() - start) / parts.length;
      for (const [place, part] of parts.entries()) judge(part, result, place);
    };
    const { signal } = parts[0].run;
    try {
      await this.model.forward(
        parts.map(({ rows }) => rows),
        read,
        {
          k: Math.max(...parts.map(({ step }) => step?.plan.topK ?? 1)),
          signal: parts.every(({ run }) => run.signal === signal) ? signal : undefined,
        },
      );
    } catch (error) {
      // Plans were checked before: what fails now is the engine's, for all that were in the pass.
      for (const { run } of parts) this.fail(run, error, done);
      return;
    }
    for (const part of parts) await this.guard(part.run, done, () => this.settle(part, { draftMs, targetMs }, done));
  }

  /** Takes what a pass found, and puts the run behind those that were not in the pass. */
  private async settle({ run, rows, step, judged, error }: Part, times: StepTimes, done: Scheduled[]): Promise<void> {
    if (error !== undefined) throw error;
    this.running.push(...this.running.splice(this.running.indexOf(run), 1));
    if (!step) this.running.push(...(await run.readPrompt(rows)));
    else for (const event of run.commit(step, judged!, times)) done.push({ run, event });
  }

  /** Does something for a run, whose own error it is when that fails. */
  private async guard(run: Run, done: Scheduled[], work: () => Promise<void>): Promise<void> {
    try {
      await work();
    } catch (error) {
      this.fail(run, error, done);
    }
  }

  private fail(run: Run, error: unknown, done: Scheduled[]): void {
    // What is aborted ends with what it has: the sweep sees to it.
    if (run.checkLimits()) return;
    done.push({ run, error });
    this.remove(run, done);
  }

  /** Takes a run out. Its drafter may be anybody's, and fail even here. */
  private remove(run: Run, done: Scheduled[]): void {
    for (const list of [this.running, this.waiting]) {
      const place = list.indexOf(run);
      if (place >= 0) list.splice(place, 1);
    }
    try {
      run.dispose();
    } catch (error) {
      done.push({ run, error });
    }
  }
}

/** Lets a run read its rows; a fault is kept for when the pass is over. */
function judge(part: Part, result: PassResult, place: number): void {
  try {
    if (!part.step) part.run.observePrompt(part.rows, result, place);
    else part.judged = part.run.judge(part.step, result, place);
  } catch (error) {
    part.error = error ?? new Error("unknown");
  }
}

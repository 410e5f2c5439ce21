import { expect } from "vitest";
import type { CausalLM, TokenRows } from "../../../src/index.js";
import type { Random } from "../random.js";
import { isInPass, readAll, turn } from "./passes.js";
import { freshResult, nextRow, Tracked } from "./tracked.js";

/** Most tokens that a sequence of the fuzz holds before it is rolled back. */
const LONG = 300;
const BAD_TOKENS = [-1, 1.5, Number.NaN, 4096, 1e12, "7", undefined, null, {}] as never[];
const BAD_K = [0, -1, 2.5, Number.NaN, Number.POSITIVE_INFINITY, 4097, "2", null] as never[];
const BAD_PARENTS = [-2, 0.5, Number.NaN, 1000, "0", undefined] as never[];
const BAD_NEEDS = [-1, 32, 0.5, Number.NaN, "2", undefined] as never[];

/** Random calls of the engine, right and wrong, with a record of what each sequence should hold. */
export class EngineCalls {
  readonly live: Tracked[] = [];

  constructor(
    private readonly model: CausalLM,
    private readonly other: CausalLM,
    private readonly random: Random,
  ) {}

  readonly calls: readonly (() => Promise<void>)[] = [
    async () => void (await this.start()),
    () => this.prefill(),
    ...[1, 2, 3].map(() => () => this.pass()),
    ...[1, 2].map(() => () => this.commit()),
    () => this.rollback(),
    () => this.fork(),
    () => this.end(),
    () => this.badPass(),
    () => this.badPass(),
    () => this.badChange(),
    () => this.badPrefill(),
    () => this.changesInPass(),
    () => this.changesInPass(),
    () => this.abortedPass(),
    () => this.failingReader(),
    () => this.compare(),
  ];

  dispose(): void {
    for (const { sequence } of this.live.splice(0)) sequence.dispose();
  }

  private async start(): Promise<Tracked> {
    if (this.live.length >= 6) this.live.shift()!.sequence.dispose();
    const tracked = new Tracked(this.model.newSequence());
    this.live.push(tracked);
    return tracked;
  }

  private async any(): Promise<Tracked> {
    const tracked = this.live.length > 0 ? this.random.pick(this.live) : await this.start();
    if (tracked.ids.length + tracked.pending.length > LONG) {
      const length = Math.min(3, tracked.ids.length);
      tracked.sequence.rollback(length);
      tracked.rollback(length);
    }
    return tracked;
  }

  private tokens(low: number, high: number): number[] {
    return this.random.list(this.random.int(low, high), () => this.random.int(0, 4095));
  }

  /** A right request; `keep` records its rows. */
  private rows(tracked: Tracked): { request: TokenRows; keep: () => void } {
    const { random } = this;
    const tokens = this.tokens(1, random.chance(0.1) ? 120 : 12);
    const first = tracked.pending.length;
    const chain = random.chance(0.4);
    const parents = tokens.map((_, i) => (chain ? first + i - 1 : random.int(-1, first + i - 1)));
    const needs = tokens.map(() => random.int(0, 15));
    const given = chain && random.chance(0.5) ? undefined : parents;
    return {
      request: { sequence: tracked.sequence, tokens, parents: given, needs },
      keep: () => tracked.pending.push(...tokens.map((token, i) => ({ token, parent: parents[i] }))),
    };
  }

  private async several(): Promise<Tracked[]> {
    const chosen = new Set<Tracked>();
    const count = this.random.chance(0.7) ? 1 : this.random.int(2, 4);
    for (let i = 0; i < count; i++) chosen.add(await this.any());
    return [...chosen];
  }

  private async pass(): Promise<void> {
    const rows = (await this.several()).map((tracked) => this.rows(tracked));
    await this.model.forward(
      rows.map(({ request }) => request),
      (result) =>
        readAll(
          result,
          rows.map(({ request }) => request),
        ),
      { k: this.random.pick([1, 1, 1, 2, 10, 4096]) },
    );
    for (const { keep } of rows) keep();
  }

  private async prefill(): Promise<void> {
    const tracked = await this.any();
    const tokens = this.tokens(0, 40);
    if (tracked.pending.length > 0) {
      await expect(this.model.prefill(tracked.sequence, tokens)).rejects.toThrow(/pending rows/);
      return;
    }
    await this.model.prefill(tracked.sequence, tokens, { chunk: this.random.int(1, 50) });
    tracked.ids.push(...tokens);
  }

  private async commit(): Promise<void> {
    const tracked = await this.any();
    const path = tracked.pending.length > 0 ? tracked.pathTo(this.random.int(0, tracked.pending.length - 1)) : [];
    tracked.sequence.commit(path);
    tracked.commit(path);
  }

  private async rollback(): Promise<void> {
    const tracked = await this.any();
    const length = this.random.int(Math.max(0, tracked.ids.length - 4), tracked.ids.length);
    tracked.sequence.rollback(length);
    tracked.rollback(length);
  }

  private async fork(): Promise<void> {
    const copy = (await this.any()).fork();
    if (this.live.length >= 6) this.live.shift()!.sequence.dispose();
    this.live.push(copy);
  }

  private async end(): Promise<void> {
    const tracked = this.live.shift();
    tracked?.sequence.dispose();
    if (!tracked) return;
    expect(() => tracked.sequence.commit([])).toThrow(/disposed/);
    const request = { sequence: tracked.sequence, tokens: [1], needs: [0] };
    await expect(this.model.forward([request], () => 0)).rejects.toThrow(/disposed/);
  }

  private async badPass(): Promise<void> {
    const { random } = this;
    const tracked = await this.any();
    const { request } = this.rows(tracked);
    const at = random.int(0, request.tokens.length - 1);
    const spoil = (list: readonly number[], bad: readonly never[]) => list.with(at, random.pick(bad));
    const short = (list: readonly number[]) => (random.chance(0.5) ? [...list, 0] : list.slice(1));
    const parents = request.parents ?? request.tokens.map((_, i) => i - 1);
    using foreign = this.other.newSequence();
    const wrong: unknown[] = random.pick<unknown[]>([
      [{ ...request, tokens: spoil(request.tokens, BAD_TOKENS) }],
      [{ ...request, needs: spoil(request.needs, BAD_NEEDS) }],
      [{ ...request, parents: spoil(parents, BAD_PARENTS) }],
      [{ ...request, parents: short(parents) }],
      [{ ...request, needs: short(request.needs) }],
      [{ ...request, tokens: "12" }],
      [{ ...request, tokens: [] }],
      [{ ...request, sequence: foreign }],
      [{ ...request, sequence: {} }],
      [request, request],
      [request, undefined],
      [],
      random.list(5, () => request),
    ]);
    await expect(this.model.forward(wrong as TokenRows[], () => 0)).rejects.toThrow();
    const k = random.pick(BAD_K);
    if (k !== null) await expect(this.model.forward([request], () => 0, { k })).rejects.toThrow(/k must be/);
  }

  private async badPrefill(): Promise<void> {
    const { sequence } = await this.any();
    const tokens = this.tokens(2, 200);
    const at = this.random.int(0, tokens.length - 1);
    await expect(this.model.prefill(sequence, tokens.with(at, this.random.pick(BAD_TOKENS)))).rejects.toThrow();
    await expect(
      this.model.prefill(sequence, tokens, { chunk: this.random.pick(BAD_K.slice(0, 4)) }),
    ).rejects.toThrow();
    const full = new Array(1281).fill(3);
    await expect(this.model.prefill(sequence, full)).rejects.toThrow();
    const tooMany = { sequence, tokens: full, needs: full.map(() => 0) };
    await expect(this.model.forward([tooMany], () => 0)).rejects.toThrow(/cache holds/);
  }

  private async badChange(): Promise<void> {
    const { sequence, pending, ids } = await this.any();
    const rows = pending.length;
    const path = this.random.pick<unknown[]>([[rows], [-1], [0.5], [Number.NaN], ["x"], [rows - 1, rows - 1]]);
    expect(() => sequence.commit(path as number[])).toThrow();
    const length = this.random.pick<unknown>([-1, ids.length + 1, 0.5, Number.NaN, "1"]);
    expect(() => sequence.rollback(length as number)).toThrow();
  }

  /** Everything that a sequence in a pass refuses; the pass then ends as if nothing had happened. */
  private async changesInPass(): Promise<void> {
    const { random } = this;
    const tracked = await this.any();
    const { sequence } = tracked;
    const { request, keep } = this.rows(tracked);
    const running = this.model.forward([request], (result) => readAll(result, [request]));
    for (let i = random.int(0, 3); i > 0; i--) await turn(random);
    if (isInPass(sequence)) {
      const change = random.pick(["commit", "rollback", "fork", "dispose"] as const);
      expect(() => sequence[change]([] as never), change).toThrow(/in a pass/);
      const again = random.chance(0.5)
        ? this.model.forward([request], () => 0)
        : this.model.prefill(sequence, [1, 2, 3]);
      await expect(again).rejects.toThrow(/in a pass/);
    }
    await running;
    keep();
  }

  private async abortedPass(): Promise<void> {
    const rows = (await this.several()).map((tracked) => this.rows(tracked));
    const controller = new AbortController();
    const requests = rows.map(({ request }) => request);
    const running = this.model.forward(requests, () => true, { signal: controller.signal }).catch(() => false);
    for (let i = this.random.int(0, 2); i > 0; i--) await turn(this.random);
    controller.abort();
    // Too late for a pass that has ended.
    if (await running) for (const { keep } of rows) keep();
  }

  private async failingReader(): Promise<void> {
    const { request } = this.rows(await this.any());
    const thrown = this.model.forward([request], () => {
      throw new Error("reader");
    });
    await expect(thrown).rejects.toThrow("reader");
    const inner = async () => this.model.forward([request], () => 0);
    await expect(this.model.forward([request], inner)).rejects.toThrow(/returned a promise/);
  }

  /** The sequence holds what it should, to the bit. */
  private async compare(): Promise<void> {
    const tracked = await this.any();
    const { sequence, ids } = tracked;
    expect([sequence.length, sequence.pending]).toEqual([ids.length, tracked.pending.length]);
    if (ids.length < 2) return;
    sequence.rollback();
    tracked.pending = [];
    const got = await nextRow(this.model, sequence, ids[ids.length - 1]);
    if (!tracked.exact) return;
    const fresh = await freshResult(this.model, ids);
    expect(got.equals(fresh.subarray(0, got.length)), "the next row's logits").toBe(true);
  }
}

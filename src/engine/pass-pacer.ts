import { setImmediate as nextTurn } from "node:timers/promises";
import type { PassRunner } from "./pass-runner.js";
import type { PassTimes } from "./pass-times.js";
import type { TokenRows } from "./rows.js";

/**
 * Passes expected to take longer than this run on another thread. That costs 0.05 to 0.5 ms, 7% of a 135M model's pass
 * on two cores, so shorter ones (a frame at 60 Hz) block the event loop and give it a turn in between.
 */
const ASYNC_FROM_MS = 16;
/** The event loop gets a turn at least this often between short passes. */
const TURN_EVERY_MS = 8;
/** Weight of a new measurement in the running estimate of a row's cost. */
const SMOOTHING = 0.3;

/** Runs short passes directly and long ones off the event loop, by what passes of this model have taken so far. */
export class PassPacer {
  /** Estimated milliseconds of a pass by its number of rows; unknown sizes count as long. */
  private readonly estimates: number[] = [];
  private lastTurn = performance.now();

  /** @param times is told what each pass took */
  constructor(private readonly times: PassTimes) {}

  async run(runner: PassRunner, requests: readonly TokenRows[], signal?: AbortSignal): Promise<void> {
    let rows = 0;
    for (const request of requests) rows += request.tokens.length;
    let start = performance.now();
    const expected = this.estimates[rows] ?? Number.POSITIVE_INFINITY;
    if (expected >= ASYNC_FROM_MS) {
      await runner.runAsync(signal);
      this.lastTurn = performance.now();
    } else {
      if (start - this.lastTurn > TURN_EVERY_MS) {
        await nextTurn();
        this.lastTurn = performance.now();
        signal?.throwIfAborted();
        start = this.lastTurn;
      }
      runner.run();
    }
    const taken = performance.now() - start;
    this.times.observe(rows, taken);
    const known = this.estimates[rows];
    this.estimates[rows] = known === undefined ? taken : known + SMOOTHING * (taken - known);
  }
}

import { describe, test } from "vitest";
import { methods } from "../../src/index.js";
import type { Checked } from "../support/proposal-oracles.js";
import type { Way } from "../support/ways.js";
import { callbacks } from "./checks/callbacks.js";
import { deadEnds } from "./checks/dead-ends.js";
import { edgeCases } from "./checks/edge-cases.js";
import { grammars } from "./checks/grammars.js";
import { plans } from "./checks/plans.js";
import { proposals } from "./checks/proposals.js";
import { replays } from "./checks/replays.js";
import { tokens } from "./checks/tokens.js";

/** What a check is told: a method in one of the ways to use it. */
export interface Subject extends Way {
  method: string;
  way: string;
  /** In the fast tier ways take turns with samplings: an even one is greedy, the next sampled. */
  turn: number;
}

/** What every way of every method is put to. */
const CHECKS = {
  "plain decoding's tokens": tokens,
  grammars,
  callbacks,
  "dead ends": deadEnds,
  plans,
  replays,
} satisfies Record<string, (subject: Subject) => void>;

type Check = keyof typeof CHECKS | "edge cases" | "proposals";

export interface Conformance {
  /** The ways that are put to the edge cases too, which take long. Default: the first. */
  edgeCases?: readonly string[];
  /** Oracles that compute what the method should propose. */
  proposals?: Readonly<Record<string, Checked>>;
  /** Checks that make no sense for this method, and why. */
  skip?: Readonly<Partial<Record<Check, string>>>;
}

/** The tests that every method passes, in every way to use it. */
export function conformance(
  method: string,
  ways: Readonly<Record<string, Way>>,
  { edgeCases: thorough = Object.keys(ways).slice(0, 1), proposals: oracles, skip = {} }: Conformance = {},
): void {
  const place = methods.all.findIndex(({ name }) => name === method);
  if (place < 0) throw new Error(`no method "${method}" is registered`);
  if (!oracles && !skip.proposals) throw new Error(`${method}: give an oracle of proposals, or the reason for none`);
  const subjects = Object.entries(ways).map(([way, of], i): Subject => ({ ...of, method, way, turn: place + i }));

  describe(method, () => {
    for (const [check, reason] of Object.entries(skip)) test.skip(`${check}: ${reason}`, () => {});
    for (const [check, run] of Object.entries(CHECKS)) {
      if (skip[check as Check] !== undefined) continue;
      describe.each(subjects)(`${check}, $way`, (subject) => run(subject));
    }
    if (skip["edge cases"] === undefined) {
      describe.each(subjects.filter(({ way }) => thorough.includes(way)))("edge cases, $way", edgeCases);
    }
    if (oracles) describe("every step proposes what the oracle does", () => proposals(oracles));
  });
}

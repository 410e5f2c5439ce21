import type { Coupling } from "../methods/drafter.js";
import { UsageError } from "../types/errors.js";
import { choice, number, text } from "../types/option-kinds.js";
import { checkOption, givenOptions, type OptionTable } from "../types/option-table.js";
import { TYPICAL_ACCEPTANCE, type TypicalAcceptance } from "../verification/verify-typical.js";

/** How to speculate. Options other than `method` and `coupling` belong to the method. */
export interface SpeculationOptions {
  /** "auto" (default), "none", "draft", or any registered method. */
  method?: string;
  /**
   * How sampled proposals are judged. "gumbel" (default): the output is the very text of plain sampling with the same
   * seed. "maximal": the classic rule; same distribution, other text, a little more accepted.
   */
  coupling?: Coupling;
  /**
   * Which candidates are kept. "exact" (default): the target's own, nothing is lost. "greedy": the target's likeliest
   * tokens, whatever the temperature. "typical": Medusa's rule, faster at high temperatures and NOT lossless.
   */
  acceptance?: "exact" | "greedy" | "typical";
  /** For "typical": keep a candidate above min(threshold, alpha e^-entropy). Defaults 0.09 and 0.3; lower accepts more. */
  posteriorThreshold?: number;
  posteriorAlpha?: number;
  /** Tokens drafted in a step. Default 4. */
  numSpeculativeTokens?: number;
  /** Draft length policy: "constant" (default), "heuristic", "confidence". */
  policy?: string;
  /** For "confidence": stop drafting after a token less probable than this under the draft. Default 0.4. */
  confidenceThreshold?: number;
  /** Children of each node by depth, for a draft model's tree; the last holds for greater depths. Default [1]. */
  treeWidths?: number[];
  [option: string]: unknown;
}

type RequestOption = "method" | "coupling" | "acceptance" | "posteriorThreshold" | "posteriorAlpha";

/** Options of `speculation` that are the request's, not the method's. */
export const REQUEST_OPTIONS: OptionTable<Pick<SpeculationOptions, RequestOption>> = {
  method: text(),
  coupling: choice(["gumbel", "maximal"]),
  acceptance: choice(["exact", "greedy", "typical"]),
  posteriorThreshold: number("(0, 1]"),
  posteriorAlpha: number("> 0"),
};

export interface Speculation {
  method: string;
  coupling: Coupling;
  acceptance: "exact" | "greedy" | "typical";
  typical: TypicalAcceptance | undefined;
  /** The method's own options, which it checks itself. */
  own: Record<string, unknown>;
}

/** @throws UsageError naming the option */
export function resolveSpeculation(given: SpeculationOptions | null | undefined): Speculation {
  const { method, coupling, acceptance, posteriorThreshold, posteriorAlpha, ...own } = givenOptions(
    given,
    "speculation",
  ) as SpeculationOptions;
  const request = { method, coupling, acceptance, posteriorThreshold, posteriorAlpha };
  for (const [name, kind] of Object.entries(REQUEST_OPTIONS)) {
    const value = request[name as RequestOption];
    if (value !== undefined) checkOption(name, value, kind);
  }
  return {
    method: method ?? "auto",
    coupling: coupling ?? "gumbel",
    acceptance: acceptance ?? "exact",
    typical: typicalAcceptance(request),
    own,
  };
}

function typicalAcceptance(given: Pick<SpeculationOptions, RequestOption>): TypicalAcceptance | undefined {
  const { acceptance, posteriorThreshold, posteriorAlpha } = given;
  if (acceptance === "typical") {
    const { threshold, alpha } = TYPICAL_ACCEPTANCE;
    return { threshold: posteriorThreshold ?? threshold, alpha: posteriorAlpha ?? alpha };
  }
  if (posteriorThreshold === undefined && posteriorAlpha === undefined) return undefined;
  throw new UsageError('posteriorThreshold and posteriorAlpha belong to acceptance "typical", which is not lossless');
}

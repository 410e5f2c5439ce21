import type { Coupling } from "../methods/drafter.js";
import type { KnownMethodOptions, PartOptions } from "../methods/options.js";
import { UsageError } from "../types/errors.js";
import { choice, number, text, value } from "../types/option-kinds.js";
import { checkOption, givenOptions, type OptionTable } from "../types/option-table.js";
import { TYPICAL_ACCEPTANCE, type TypicalAcceptance } from "../verification/verify-typical.js";

/** Options of `speculation` that hold for every method. */
export interface CommonSpeculationOptions {
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
  /** For method "merged": options of its parts, by the method's name. */
  partOptions?: PartOptions;
  /** Options of a method of your own, which only it knows. */
  ownOptions?: Readonly<Record<string, unknown>>;
}

/** How to speculate: what holds for every method, and the method's own options (docs/methods/README.md lists them). */
export type SpeculationOptions = CommonSpeculationOptions & KnownMethodOptions;

type RequestOption = "method" | "coupling" | "acceptance" | "posteriorThreshold" | "posteriorAlpha" | "ownOptions";

/** Options of `speculation` that are the request's, not the method's. */
export const REQUEST_OPTIONS: OptionTable<Pick<SpeculationOptions, RequestOption>> = {
  method: text(),
  coupling: choice(["gumbel", "maximal"]),
  acceptance: choice(["exact", "greedy", "typical"]),
  posteriorThreshold: number("(0, 1]"),
  posteriorAlpha: number("> 0"),
  ownOptions: value("an object of options", (given) => typeof given === "object" && !Array.isArray(given)),
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
  const { method, coupling, acceptance, posteriorThreshold, posteriorAlpha, ownOptions, ...own } = givenOptions(
    given,
    "speculation",
  ) as SpeculationOptions;
  const request = { method, coupling, acceptance, posteriorThreshold, posteriorAlpha, ownOptions };
  for (const [name, kind] of Object.entries(REQUEST_OPTIONS)) {
    const value = request[name as RequestOption];
    if (value !== undefined) checkOption(name, value, kind);
  }
  return {
    method: method ?? "auto",
    coupling: coupling ?? "gumbel",
    acceptance: acceptance ?? "exact",
    typical: typicalAcceptance(request),
    own: { ...own, ...ownOptions },
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

import type { Coupling } from "../methods/drafter.js";
import type { KnownMethodOptions, PartOptions } from "../methods/options.js";
import { UsageError } from "../types/errors.js";
import { type DeclarationsOf, fallbacksOf, option, optional } from "../types/option-declaration.js";
import { choice, number, text, value } from "../types/option-kinds.js";
import { checkOption, givenOptions } from "../types/option-table.js";
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
  /** For "typical": keep a candidate above min(posteriorThreshold, posteriorAlpha e^-entropy). Default 0.09; lower accepts more. */
  posteriorThreshold?: number;
  /** For "typical": asks less where the target itself is unsure. Default 0.3. */
  posteriorAlpha?: number;
  /** For method "merged": options of its parts, by the method's name. Default none. */
  partOptions?: PartOptions;
  /** Options of a method of your own, which only it knows. Default none. */
  ownOptions?: Readonly<Record<string, unknown>>;
}

/** How to speculate: what holds for every method, and the method's own options (docs/methods/README.md lists them). */
export type SpeculationOptions = CommonSpeculationOptions & KnownMethodOptions;

/** Options of `speculation` that are the request's, not the method's. */
export const REQUEST_OPTIONS = {
  method: option(text(), "what drafts: any registered method, auto (whatever is there and gains) or none", "auto"),
  coupling: option(
    choice(["gumbel", "maximal"]),
    "how sampled proposals are judged; gumbel: the very text of plain sampling",
    "gumbel",
  ),
  acceptance: option(
    choice(["exact", "greedy", "typical"]),
    "which candidates are kept; typical is NOT lossless",
    "exact",
  ),
  posteriorThreshold: option(number("(0, 1]"), "typical: lower accepts more", TYPICAL_ACCEPTANCE.threshold),
  posteriorAlpha: option(number("> 0"), "typical: scales e^-entropy", TYPICAL_ACCEPTANCE.alpha),
  ownOptions: optional(
    value<Readonly<Record<string, unknown>>>(
      "an object of options",
      (given) => typeof given === "object" && !Array.isArray(given),
    ),
    "options of a method of your own, which only it knows",
  ),
} satisfies DeclarationsOf<Omit<CommonSpeculationOptions, "partOptions">>;

type RequestOption = keyof typeof REQUEST_OPTIONS;

const FALLBACKS = fallbacksOf(REQUEST_OPTIONS);

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
  for (const [name, { kind }] of Object.entries(REQUEST_OPTIONS)) {
    const value = request[name as RequestOption];
    if (value !== undefined) checkOption(name, value, kind);
  }
  return {
    method: method ?? FALLBACKS.method,
    coupling: coupling ?? FALLBACKS.coupling,
    acceptance: acceptance ?? FALLBACKS.acceptance,
    typical: typicalAcceptance(request),
    own: { ...own, ...ownOptions },
  };
}

function typicalAcceptance(given: Pick<SpeculationOptions, RequestOption>): TypicalAcceptance | undefined {
  const { acceptance, posteriorThreshold, posteriorAlpha } = given;
  if (acceptance === "typical") {
    return {
      threshold: posteriorThreshold ?? FALLBACKS.posteriorThreshold,
      alpha: posteriorAlpha ?? FALLBACKS.posteriorAlpha,
    };
  }
  if (posteriorThreshold === undefined && posteriorAlpha === undefined) return undefined;
  throw new UsageError('posteriorThreshold and posteriorAlpha belong to acceptance "typical", which is not lossless');
}

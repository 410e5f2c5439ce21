import type { Exactness } from "../index.js";

/** What was found of a model's rows on this CPU, in words that promise no more than that. */
export function exactnessWords({ level, maxDifference, leastRows, differingRows }: Exactness): string {
  if (level === "unchecked") return "not checked yet: it is when the model is first loaded";
  const cure = leastRows > 1 ? `a lone row runs as ${leastRows}, because this CPU rounds it differently` : "";
  if (level === "bit-exact") return cure ? `bit-exact (${cure})` : "bit-exact";
  const [some, more] = [differingRows.slice(0, 5), differingRows.length > 5 ? ", ..." : ""];
  const where = some.length > 0 ? `, in products of ${some.join(", ")}${more} rows` : "";
  return `up to rounding (rows differ by up to ${maxDifference.toExponential(1)} with their number in a pass${where})`;
}

import type { GenerationEvent, GenerationResult } from "../generation/request.js";

/** Gathers the events of outputs into whole results. */
export async function collect(
  events: AsyncIterable<GenerationEvent>,
  logProbs: number | undefined,
): Promise<GenerationResult[]> {
  const results: GenerationResult[] = [];
  const empty = (): GenerationResult => ({
    text: "",
    tokenIds: [],
    sources: [],
    finishReason: "length",
    stats: undefined!,
    ...(logProbs !== undefined && { logProbs: [] }),
    ...(logProbs && { topLogProbs: [] }),
  });
  for await (const event of events) {
    results[event.index] ??= empty();
    const result = results[event.index];
    result.text += event.text;
    if (event.type === "finish") {
      result.finishReason = event.finishReason;
      if (event.seed !== undefined) result.seed = event.seed;
      result.stats = event.stats;
      continue;
    }
    result.tokenIds.push(event.tokenId);
    result.sources.push(event.source);
    if (event.logProb !== undefined) result.logProbs?.push(event.logProb);
    if (event.topLogProbs) result.topLogProbs?.push(event.topLogProbs);
  }
  return results;
}

import { MAX_CANDIDATES } from "../generation/run.js";
import { TokenHistory } from "../sampling/history.js";
import type { Sampler } from "../sampling/sampler.js";
import type { Drafter } from "../speculation/drafter.js";
import { type GenerationStats, StatsRecorder, TARGET } from "../speculation/stats.js";
import { verifyByChoice } from "../speculation/verification/verifier.js";
import type { TokenId } from "../types/token.js";
import { RecordedRows } from "./recorded-rows.js";
import type { RecordedText } from "./recorded-text.js";

/** What a drafter would have got accepted. */
export interface ReplayResult
  extends Pick<
    GenerationStats,
    | "newTokens"
    | "targetPasses"
    | "meanTokensPerPass"
    | "meanAcceptedTokens"
    | "draftedTokens"
    | "acceptedTokens"
    | "acceptanceRate"
    | "acceptanceByPosition"
    | "byDrafter"
  > {
  /** Rows of each pass, for a cost curve: the tree's, and the drafter's own. */
  rows: number[];
  /** Rows off the text that the drafter looked at, which had to be guessed. 0: a real run does exactly this. */
  guessedRows: number;
}

export interface ReplayRequest {
  text: RecordedText;
  /** Tokens of the prompt, at the beginning of the text. */
  promptLength: number;
  maxNewTokens: number;
  contextLength: number;
  sampler: Sampler;
}

/** Lets a drafter speculate along a recorded text: the loop of `generate`, without the target. */
export async function replay(request: ReplayRequest, drafter: Drafter): Promise<ReplayResult> {
  const { text, promptLength, maxNewTokens, contextLength, sampler } = request;
  const prompt = text.tokens.slice(0, promptLength);
  const history = new TokenHistory(prompt);
  const stats = new StatsRecorder(drafter.name);
  const rows: number[] = [];
  let guessedRows = 0;
  let foreseen: TokenId[] = [];
  let sources: string[] = [];
  await drafter.begin(prompt);
  while (history.length < text.tokens.length) {
    const room = Math.min(maxNewTokens - history.newTokens, contextLength - history.length);
    const maxDepth = room - 1;
    const known = foreseen.slice(0, maxDepth);
    const context = { history, sampler, coupling: "gumbel" as const, foreseen: known, maxDepth };
    const plan = await drafter.propose(context, room > 1 ? MAX_CANDIDATES : 0);
    const { tree } = plan;
    const result = new RecordedRows(text, plan, history.length - 1);
    const before = history.length;
    const atEnd = () => history.length >= text.tokens.length;
    const verdict = verifyByChoice(tree, (node) => result.next(node) ?? NO_TOKEN, { history, isFinal: atEnd });
    const { path, next } = verdict;
    const committed = [...history.tail(history.length - before), ...(next === undefined ? [] : [next])];
    const side = verdict.foreseen?.path ?? [];
    drafter.observe({ committed, path, foreseen: side, last: side.at(-1) ?? path.at(-1)!, result, request: 0 });
    if (next !== undefined) history.push(next);

    const sourceOf = (node: number) =>
      (node <= known.length ? sources[node - 1] : tree.sources?.[node]) ?? drafter.name;
    const own = path.slice(1).map(sourceOf);
    if (next !== undefined) own.push(side.length > 0 ? sourceOf(side[0]) : TARGET);
    stats.step(tree, [...path, ...side], known.length, own);
    sources = [...side.slice(1).map(sourceOf), TARGET];
    foreseen = (verdict.foreseen?.tokens ?? []).filter((token) => token !== NO_TOKEN);
    rows.push(result.count);
    guessedRows += result.guessed;
  }
  return { ...counts(stats.result()), rows, guessedRows };
}

/** Equals no token: what comes after the text's end. */
const NO_TOKEN = -1;

function counts(stats: GenerationStats): Omit<ReplayResult, "rows" | "guessedRows"> {
  const { newTokens, targetPasses, meanTokensPerPass, meanAcceptedTokens, draftedTokens } = stats;
  const { acceptedTokens, acceptanceRate, acceptanceByPosition, byDrafter } = stats;
  return {
    newTokens,
    targetPasses,
    meanTokensPerPass,
    meanAcceptedTokens,
    draftedTokens,
    acceptedTokens,
    acceptanceRate,
    acceptanceByPosition,
    byDrafter,
  };
}

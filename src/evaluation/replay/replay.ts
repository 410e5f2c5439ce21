import { type GenerationStats, StatsRecorder } from "../../generation/stats.js";
import { graft, limitsOf, NO_STEM, outcomeOf, settle } from "../../generation/step.js";
import type { Drafter } from "../../methods/drafter.js";
import { TokenHistory } from "../../sampling/history.js";
import type { Sampler } from "../../sampling/sampler.js";
import { verifyByChoice } from "../../verification/verifier.js";
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
  /** As of the target: whether rows of side branches are kept at once. */
  exactTrees: boolean;
}

/** Lets a drafter speculate along a recorded text: the loop of `generate`, without the target. */
export async function replay(request: ReplayRequest, drafter: Drafter): Promise<ReplayResult> {
  const { text, promptLength, maxNewTokens, contextLength, sampler, exactTrees } = request;
  const prompt = text.tokens.slice(0, promptLength);
  const history = new TokenHistory(prompt);
  const stats = new StatsRecorder(drafter.name);
  const rows: number[] = [];
  let guessedRows = 0;
  let stem = NO_STEM;
  await drafter.readPrompt?.(prompt.slice(0, -1));
  await drafter.begin(prompt);
  while (history.length < text.tokens.length) {
    const room = Math.min(maxNewTokens - history.newTokens, contextLength - history.length);
    const limits = limitsOf(room, stem);
    const root = history.length - 1;
    const context = { history, sampler, coupling: "gumbel" as const, maxDepth: limits.maxDepth };
    const own = await history.along(limits.stem.tokens, () => drafter.propose(context, limits.budget));
    const plan = graft(own, history.at(root), limits.stem);
    const result = new RecordedRows(text, plan, root);
    const isFinal = () => history.length >= text.tokens.length;
    const verdict = verifyByChoice(plan.tree, (node) => result.next(node) ?? NO_TOKEN, {
      history,
      isFinal,
      exactTrees,
    });
    const settled = settle(plan.tree, verdict, drafter.name);
    const known = limits.stem.tokens.length;
    drafter.observe(outcomeOf(own, { known, root }, settled, result, 0));
    if (verdict.next !== undefined) history.push(verdict.next);
    stats.step(plan.tree, settled.right, known, settled.sources);
    const after = settled.stem.tokens.indexOf(NO_TOKEN);
    stem = after < 0 ? settled.stem : { ...settled.stem, tokens: settled.stem.tokens.slice(0, after) };
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

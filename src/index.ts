import "./types/globals.js";

export type { CausalLM } from "./engine/causal-lm.js";
export type { CostCurve } from "./engine/cost-curve.js";
export { MedusaHeads } from "./engine/medusa-heads.js";
export { Need, type PassResult, type TokenRows } from "./engine/rows.js";
export type { Sequence } from "./engine/sequence.js";
export type {
  FinishEvent,
  FinishReason,
  GenerationEvent,
  GenerationResult,
  TokenEvent,
} from "./generation/request.js";
export { AutoModelForCausalLM, loadModel } from "./loading/auto-model.js";
export { cacheDirectory } from "./loading/cache-directory.js";
export type { ConversionProgress } from "./loading/converted-model.js";
export type { AssistantModel, GenerateOptions } from "./loading/generate-options.js";
export { LanguageModel } from "./loading/language-model.js";
export type { LoadOptions } from "./loading/load-options.js";
export { LookaheadDecoding, type LookaheadDecodingOptions } from "./loading/lookahead-decoding.js";
export { loadMedusaHeads, type MedusaGenerateOptions, MedusaModel } from "./loading/medusa-model.js";
export type { PromptInput } from "./loading/prompt-input.js";
export type { SpeculationOptions } from "./loading/speculation-options.js";
export { Recording, type RecordingInput } from "./replay/recording.js";
export type { ReplayResult } from "./replay/replay.js";
export { treePicture } from "./reports/tree-picture.js";
export { windowPicture } from "./reports/window-picture.js";
export { configureRuntime, type RuntimeInfo, runtimeInfo } from "./runtime/environment.js";
export type { GrammarSpec } from "./sampling/grammar.js";
export type { TokenHistory } from "./sampling/history.js";
export type { Sampler } from "./sampling/sampler.js";
export type { Coupling, DraftContext, DraftExhausted, Drafter, StepOutcome, StepPlan } from "./speculation/drafter.js";
export { DraftSequence } from "./speculation/drafters/parts/draft-sequence.js";
export { SuccessorMemory } from "./speculation/drafters/parts/successor-memory.js";
export { LookupCorpus } from "./speculation/drafters/suffix-lookup.js";
export { methods } from "./speculation/methods.js";
export type { Method, MethodContext, MethodRegistry } from "./speculation/registry.js";
export type { GenerationStats } from "./speculation/stats.js";
export { type TraceSink, type TraceStep, traceFile } from "./speculation/trace.js";
export { layOut, type ProposalNode, proposalNode } from "./speculation/trees/proposal-tree.js";
export { type RankPath, RankTree } from "./speculation/trees/rank-tree.js";
export { chain, rootOnly, type TokenTree } from "./speculation/trees/token-tree.js";
export { TREE_PRESETS } from "./speculation/trees/tree-presets.js";
export { expectedAccepted, searchTree } from "./speculation/trees/tree-search.js";
export { AutoTokenizer } from "./tokenizer/auto-tokenizer.js";
export type { ChatMessage, ChatTemplateOptions, ContentPart, ToolCall } from "./tokenizer/chat-message.js";
export type { Tokenizer } from "./tokenizer/tokenizer.js";
export {
  type ClosedFormHeads,
  type ClosedFormOptions,
  fitMedusaHeads,
  saveMedusaHeads,
} from "./training/closed-form-heads.js";
export { chooseMethod, type MethodChoice, type Situation } from "./tuning/choose-method.js";
export { type SkippedLayers, searchSkippedLayers } from "./tuning/layer-search.js";
export { type DraftSelection, type ModelSize, selectDraftModel } from "./tuning/select-draft.js";
export * from "./types/errors.js";
export type { Exactness } from "./types/exactness.js";
export { DTYPES, type Dtype, type ModelConfig } from "./types/model-config.js";
export type { SamplingParams } from "./types/sampling-params.js";
export type { TokenId } from "./types/token.js";

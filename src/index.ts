import "./types/globals.js";

export { AutoModelForCausalLM, loadModel } from "./api/auto-model.js";
export { EagleModel, loadEagleHeads } from "./api/eagle-model.js";
export type { LoadedModel } from "./api/engine-of.js";
export type { AssistantModel, GenerateOptions, SingleOptions } from "./api/generate-options.js";
export { LanguageModel } from "./api/language-model.js";
export type { LoadOptions } from "./api/load-options.js";
export { LookaheadDecoding, type LookaheadDecodingOptions } from "./api/lookahead-decoding.js";
export { loadMedusaHeads, type MedusaGenerateOptions, MedusaModel } from "./api/medusa-model.js";
export type { PromptInput } from "./api/prompt-input.js";
export type { SpeculationOptions } from "./api/speculation-options.js";
export type { Generate } from "./api/text-generator.js";
export { type Calibration, calibrate } from "./calibration/calibrate.js";
export type { CalibrateOptions, CalibrateProgress } from "./calibration/options.js";
export { cacheDirectory } from "./conversion/cache-directory.js";
export type { ConversionProgress } from "./conversion/converted-model.js";
export type { CausalLM } from "./engine/causal-lm.js";
export type { CostCurve } from "./engine/cost-curve.js";
export { EagleHeads } from "./engine/eagle-heads.js";
export { MedusaHeads } from "./engine/medusa-heads.js";
export { type Feature, Need, type PassResult, type TokenRows } from "./engine/rows.js";
export type { Sequence } from "./engine/sequence.js";
export { chooseMethod, type MethodChoice, type Situation } from "./evaluation/choose-method.js";
export { type SkippedLayers, searchSkippedLayers } from "./evaluation/layer-search.js";
export { treePicture } from "./evaluation/pictures/tree-picture.js";
export { windowPicture } from "./evaluation/pictures/window-picture.js";
export { Recording, type RecordingInput } from "./evaluation/replay/recording.js";
export type { ReplayResult } from "./evaluation/replay/replay.js";
export { type DraftSelection, type ModelSize, selectDraftModel } from "./evaluation/select-draft.js";
export type {
  FinishEvent,
  FinishReason,
  GenerationEvent,
  GenerationResult,
  TokenEvent,
} from "./generation/request.js";
export type { GenerationStats } from "./generation/stats.js";
export type { StoppingCriteria } from "./generation/stopping-criteria.js";
export { type TraceSink, type TraceStep, traceFile } from "./generation/trace.js";
export { DraftSequence } from "./methods/draft/draft-sequence.js";
export type {
  Coupling,
  DraftContext,
  DraftExhausted,
  Drafter,
  StepOutcome,
  StepPlan,
  TextRows,
} from "./methods/drafter.js";
export { methods } from "./methods/methods.js";
export {
  type KnownMethodOptions,
  METHOD_OPTIONS,
  type MethodOption,
  type MethodOptionName,
  type PartOptions,
} from "./methods/options.js";
export { SuccessorMemory } from "./methods/recycling/successor-memory.js";
export type { Method, MethodContext, MethodRegistry } from "./methods/registry.js";
export { LookupCorpus } from "./methods/suffix/lookup-corpus.js";
export { configureRuntime, type RuntimeInfo, runtimeInfo } from "./runtime/environment.js";
export type { GrammarSpec } from "./sampling/grammar.js";
export type { TokenHistory } from "./sampling/history.js";
export type { LogitsProcessor } from "./sampling/logits-processor.js";
export type { Sampler } from "./sampling/sampler.js";
export { AutoTokenizer } from "./tokenizer/auto-tokenizer.js";
export type { ChatMessage, ChatTemplateOptions, ContentPart, ToolCall } from "./tokenizer/chat-message.js";
export type { Tokenizer } from "./tokenizer/tokenizer.js";
export {
  type ClosedFormHeads,
  type ClosedFormOptions,
  fitMedusaHeads,
  saveMedusaHeads,
} from "./training/closed-form-heads.js";
export { TrainingData, type TrainingDataOptions } from "./training/data/training-data.js";
export type { DraftAgreement } from "./training/distill/agreement.js";
export { type DraftDistillation, distillDraft } from "./training/distill/distill-draft.js";
export type { DistillDraftOptions, DistillProgress } from "./training/distill/options.js";
export type { EagleAccuracy } from "./training/eagle/accuracy.js";
export type { EagleProgress, TrainEagleOptions } from "./training/eagle/options.js";
export { type EagleTraining, trainEagle } from "./training/eagle/train-eagle.js";
export { DivergenceError } from "./training/loop/loop-options.js";
export type { MedusaAccuracy } from "./training/medusa/accuracy.js";
export type { MedusaProgress, TrainMedusaOptions } from "./training/medusa/options.js";
export { type MedusaTraining, trainMedusa } from "./training/medusa/train-medusa.js";
export { DriftError, type DriftStop } from "./training/medusa2/drift.js";
export type { JointMeasure } from "./training/medusa2/joint-measure.js";
export type { Medusa2Progress, TrainMedusa2Options } from "./training/medusa2/options.js";
export { type Medusa2Training, trainMedusa2 } from "./training/medusa2/train-medusa2.js";
export type { SelfDistillOptions, SelfDistillProgress } from "./training/self-distill/options.js";
export { type DistillPrompt, type DistillPrompts, PromptFiles } from "./training/self-distill/prompts.js";
export { type SelfDistillation, selfDistill } from "./training/self-distill/self-distill.js";
export type { TrainingExample, TrainingExamples } from "./training/training-example.js";
export { layOut, type ProposalNode, proposalNode } from "./trees/proposal-tree.js";
export { type RankPath, RankTree } from "./trees/rank-tree.js";
export { chain, rootOnly, type TokenTree } from "./trees/token-tree.js";
export { TREE_PRESETS } from "./trees/tree-presets.js";
export { expectedAccepted, searchTree } from "./trees/tree-search.js";
export * from "./types/errors.js";
export type { Exactness } from "./types/exactness.js";
export { CACHE_DTYPES, type CacheDtype, DTYPES, type Dtype, type ModelConfig } from "./types/model-config.js";
export type { SamplingParams } from "./types/sampling-params.js";
export type { TokenId } from "./types/token.js";

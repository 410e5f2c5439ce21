import * as exported from "@huggingface/tokenizers";

/** A component of a tokenizer that is called like a function. */
type Callable<Arguments extends unknown[], Result> = (...values: Arguments) => Result;

/** Which of a text's sections between added tokens a piece is from. */
export interface SectionOptions {
  section_index?: number;
}

/** Cuts a text into the pieces that the model turns into tokens. */
export type PreTokenizer = Callable<[text: string, options?: SectionOptions], string[]>;

interface PreTokenizerObject {
  pattern: unknown;
  pre_tokenize_text(text: string, options?: SectionOptions): string[];
}

/** What is used of the library's tokenizer; its own declarations do not reach its exports. */
export interface FastTokenizer {
  normalizer: Callable<[text: string], string> | null;
  pre_tokenizer: PreTokenizer | null;
  model: Callable<[pieces: string[]], string[]> & {
    vocab: string[];
    tokens_to_ids: Map<string, number>;
    unk_token?: string | null;
    unk_token_id?: number;
  };
  post_processor: Callable<[tokens: string[], pair: null, addSpecialTokens: boolean], { tokens: string[] }> | null;
  decoder: Callable<[tokens: string[]], string> | null;
  encode(text: string, options: { add_special_tokens: boolean }): { ids: number[] };
  decode(ids: number[], options: { skip_special_tokens: boolean; clean_up_tokenization_spaces: boolean }): string;
}

interface Library {
  Tokenizer: new (json: object, config: object) => FastTokenizer;
  ByteLevelPreTokenizer: new (json: object) => PreTokenizerObject;
  MetaspacePreTokenizer: new (json: object) => PreTokenizerObject;
  SplitPreTokenizer: new (json: object) => PreTokenizerObject & { pattern: RegExp | null };
}

/** @huggingface/tokenizers. */
export const library = exported as unknown as Library;

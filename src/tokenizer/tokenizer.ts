import { Tokenizer as FastTokenizer } from "@huggingface/tokenizers";
import { TokenizerError } from "../types/errors.js";
import type { TokenId } from "../types/token.js";
import type { ChatMessage, ChatTemplateOptions } from "./chat-message.js";
import { ChatTemplates } from "./chat-template.js";

/** The parts of tokenizer.json that are read here; the rest is the library's. */
export interface TokenizerJson {
  model: { merges?: unknown; vocab?: unknown } & Record<string, unknown>;
  added_tokens?: { id: number; content: string; special: boolean }[];
  normalizer?: unknown;
  pre_tokenizer?: unknown;
  post_processor?: unknown;
}

type SpecialToken = string | { content: string } | null;

/** The parts of tokenizer_config.json that are read here. */
export interface TokenizerConfig {
  bos_token?: SpecialToken;
  eos_token?: SpecialToken;
  pad_token?: SpecialToken;
  unk_token?: SpecialToken;
  /** A template, or several: a list of { name, template }, or by name. */
  chat_template?: unknown;
}

/** Text to token ids and back, as Hugging Face's fast tokenizers do it. */
export class Tokenizer {
  /** Largest id + 1, added tokens included. */
  readonly vocabSize: number;
  readonly specialTokenIds: ReadonlySet<TokenId>;
  private readonly fast: FastTokenizer;
  private readonly chat: ChatTemplates;

  constructor(
    readonly json: TokenizerJson,
    config: TokenizerConfig,
    file: string,
  ) {
    try {
      this.fast = new FastTokenizer(json, config);
    } catch (error) {
      throw new TokenizerError(`${file} cannot be used: ${(error as Error).message.split("\n")[0]}`);
    }
    this.chat = new ChatTemplates(config.chat_template, specialTokens(config));
    let largest = -1;
    for (const id of this.fast.get_vocab(true).values()) largest = Math.max(largest, id);
    this.vocabSize = largest + 1;
    this.specialTokenIds = new Set((json.added_tokens ?? []).filter((token) => token.special).map(({ id }) => id));
  }

  /** @param addSpecialTokens those of the post-processor, such as a beginning-of-sequence token. Default true */
  encode(text: string, { addSpecialTokens = true } = {}): TokenId[] {
    return [...this.fast.encode(text, { add_special_tokens: addSpecialTokens }).ids];
  }

  /** @param skipSpecialTokens leaves special tokens out. Default false */
  decode(ids: readonly TokenId[], { skipSpecialTokens = false } = {}): string {
    if (ids.length === 0) return "";
    // The library's clean-up of spaces before punctuation changes what the model wrote.
    const options = { skip_special_tokens: skipSpecialTokens, clean_up_tokenization_spaces: false };
    return this.fast.decode([...ids], options);
  }

  tokenToId(token: string): TokenId | undefined {
    return this.fast.token_to_id(token);
  }

  idToToken(id: TokenId): string | undefined {
    return this.fast.id_to_token(id);
  }

  get vocabulary(): ReadonlyMap<string, TokenId> {
    return this.fast.get_vocab(true);
  }

  /** The vocabulary by id, as the tokenizer's model writes its tokens; "" for ids that no token has. */
  pieces(): string[] {
    const pieces = new Array<string>(this.vocabSize).fill("");
    for (const [piece, id] of this.vocabulary) pieces[id] = piece;
    return pieces;
  }

  /** How tokens stand for bytes: GPT-2's byte-level alphabet, or text with <0x..> tokens; undefined for neither. */
  byteForm(): "byte_level" | "byte_fallback" | undefined {
    if (this.vocabulary.has("<0x0A>")) return "byte_fallback";
    return JSON.stringify(this.json.pre_tokenizer ?? {}).includes('"ByteLevel"') ? "byte_level" : undefined;
  }

  get hasChatTemplate(): boolean {
    return this.chat.present;
  }

  /**
   * The conversation as the model was taught to read it, ready for its answer.
   * @throws UsageError for wrong messages or options, without a template, and for what the template refuses;
   *   TokenizerError for a template that cannot be read or takes more time or memory than it may
   */
  renderChat(messages: readonly ChatMessage[], options?: ChatTemplateOptions): string {
    return this.chat.render(messages, options);
  }

  /** Ids of `renderChat`; the template itself writes special tokens, so none are added. */
  applyChatTemplate(messages: readonly ChatMessage[], options?: ChatTemplateOptions): TokenId[] {
    return this.encode(this.renderChat(messages, options), { addSpecialTokens: false });
  }
}

/** bos_token, eos_token and the like: what chat templates know them by. */
function specialTokens(config: TokenizerConfig): Record<string, string> {
  const tokens: Record<string, string> = {};
  for (const [name, token] of Object.entries(config as Record<string, SpecialToken | undefined>)) {
    const content = typeof token === "string" ? token : token?.content;
    if (name.endsWith("_token") && typeof content === "string") tokens[name] = content;
  }
  return tokens;
}

import { createHash } from "node:crypto";
import { TokenizerError, UsageError } from "../types/errors.js";
import { boolean } from "../types/option-kinds.js";
import { checkOptions, type OptionTable } from "../types/option-table.js";
import { shown } from "../types/shown.js";
import type { TokenId } from "../types/token.js";
import { type AddedTokenConfig, addedTokens, contentOf, type SpecialToken } from "./added-tokens.js";
import type { ChatMessage, ChatTemplateOptions } from "./chat-message.js";
import { ChatTemplates } from "./chat-template.js";
import { explained, fastTokenizer, tooSlow } from "./fast-tokenizer.js";
import type { FastTokenizer } from "./library.js";
import type { MarkedChat } from "./marked-chat.js";
import { withTimeLimit } from "./time-limit.js";
import { checkTokenizerJson, type TokenizerJson } from "./tokenizer-json.js";
import { hasUnknownRegex } from "./untrusted-parts.js";

export type { TokenizerJson } from "./tokenizer-json.js";

/** The parts of tokenizer_config.json that are read here. */
export interface TokenizerConfig extends AddedTokenConfig {
  bos_token?: SpecialToken;
  eos_token?: SpecialToken;
  pad_token?: SpecialToken;
  unk_token?: SpecialToken;
  /** A template, or several: a list of { name, template }, or by name. */
  chat_template?: unknown;
}

export interface EncodeOptions {
  addSpecialTokens?: boolean;
}

export interface DecodeOptions {
  skipSpecialTokens?: boolean;
}

const ENCODE_OPTIONS: OptionTable<EncodeOptions> = { addSpecialTokens: boolean() };
const DECODE_OPTIONS: OptionTable<DecodeOptions> = { skipSpecialTokens: boolean() };

/** Milliseconds in which a regex that nobody knows must be done: so many, and so many for each character. */
const [LIMIT_MS, LIMIT_MS_PER_CHARACTER] = [500, 0.01];

/** Text to token ids and back, as Hugging Face's fast tokenizers do it. */
export class Tokenizer {
  /** The parts of tokenizer.json, its added tokens with those of the configuration. */
  readonly json: TokenizerJson;
  /** Largest id + 1, added tokens included. */
  readonly vocabSize: number;
  readonly specialTokenIds: ReadonlySet<TokenId>;
  private readonly fast: FastTokenizer;
  private ids: ReadonlyMap<string, TokenId> | undefined;
  private readonly slow: { encode: boolean; decode: boolean };
  private readonly chat: ChatTemplates;

  /** @throws TokenizerError naming the file and the part that is wrong */
  constructor(
    json: TokenizerJson,
    private readonly config: TokenizerConfig,
    private readonly file: string,
  ) {
    const entries = checkTokenizerJson(json, file);
    const added = addedTokens(json, entries, config, file);
    this.json = { ...json, added_tokens: added };
    this.fast = fastTokenizer(this.json, entries, config, file);
    this.vocabSize = this.fast.model.vocab.length;
    this.specialTokenIds = new Set(added.filter((token) => token.special).map(({ id }) => id));
    this.chat = new ChatTemplates(config.chat_template, specialTokens(config));
    this.slow = {
      encode: hasUnknownRegex([json.normalizer, json.pre_tokenizer]),
      decode: hasUnknownRegex(json.decoder),
    };
  }

  /** The id of the tokenizer's own end-of-sequence token, where its configuration names one. */
  get eosTokenId(): TokenId | undefined {
    const token = contentOf(this.config.eos_token);
    return token === "" ? undefined : this.tokenToId(token);
  }

  /**
   * @param options.addSpecialTokens those of the post-processor, such as a beginning-of-sequence token. Default true
   * @throws UsageError for what is no text, and unknown options; TokenizerError for a text that the file has no tokens for
   */
  encode(text: string, options?: EncodeOptions): TokenId[] {
    const { addSpecialTokens = true } = checkOptions(ENCODE_OPTIONS, options, { of: "encode" });
    if (typeof text !== "string") throw new UsageError(`encode takes a text, got ${shown(text)}`);
    const { ids } = this.use("normalizer or pre_tokenizer", this.slow.encode, text.length, () =>
      this.fast.encode(text, { add_special_tokens: addSpecialTokens }),
    );
    if (!ids.includes(undefined as unknown as TokenId)) return ids;
    throw new TokenizerError(`${this.file}: a part of the text has no token, and there is no unknown token either`);
  }

  /**
   * Ids that no token has are without text, as in transformers: models have more of them than tokenizers have tokens.
   * @param options.skipSpecialTokens leaves special tokens out. Default false
   * @throws UsageError for what is no list of integers from 0, and unknown options
   */
  decode(ids: readonly TokenId[], options?: DecodeOptions): string {
    const { skipSpecialTokens = false } = checkOptions(DECODE_OPTIONS, options, { of: "decode" });
    checkIds(ids);
    const { vocab } = this.fast.model;
    // The library takes arrays only.
    const visible = Array.from(ids).filter(
      (id) => vocab[id] !== undefined && !(skipSpecialTokens && this.specialTokenIds.has(id)),
    );
    if (visible.length === 0) return "";
    // The library's clean-up of spaces before punctuation changes what the model wrote.
    const own = { skip_special_tokens: skipSpecialTokens, clean_up_tokenization_spaces: false };
    return this.use("decoder", this.slow.decode, visible.length, () => this.fast.decode(visible, own));
  }

  tokenToId(token: string): TokenId | undefined {
    return this.fast.model.tokens_to_ids.get(token);
  }

  idToToken(id: TokenId): string | undefined {
    return this.fast.model.vocab[id];
  }

  get vocabulary(): ReadonlyMap<string, TokenId> {
    if (this.ids) return this.ids;
    const ids = new Map<string, TokenId>();
    this.fast.model.vocab.forEach((token, id) => void ids.set(token, id));
    this.ids = ids;
    return ids;
  }

  /** The vocabulary by id, as the tokenizer's model writes its tokens; "" for ids that no token has. */
  pieces(): string[] {
    return Array.from(this.fast.model.vocab, (piece) => piece ?? "");
  }

  /** How tokens stand for bytes: GPT-2's byte-level alphabet, or text with <0x..> tokens; undefined for neither. */
  byteForm(): "byte_level" | "byte_fallback" | undefined {
    if (this.vocabulary.has("<0x0A>")) return "byte_fallback";
    return JSON.stringify(this.json.pre_tokenizer ?? {}).includes('"ByteLevel"') ? "byte_level" : undefined;
  }

  /** A digest (hex) of all that decides about ids and conversations: two tokenizers with the same one agree on every text. */
  digest(): string {
    return createHash("sha256")
      .update(JSON.stringify([this.json, this.config]))
      .digest("hex");
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

  /**
   * A whole conversation, and which of its characters the assistant wrote by the template's {% generation %} marks, as
   * transformers' return_assistant_tokens_mask takes them. Undefined where the template has none.
   * @throws as renderChat
   * @internal
   */
  renderMarkedChat(messages: readonly ChatMessage[]): MarkedChat | undefined {
    return this.chat.renderMarked(messages);
  }

  /** What `work` gives. @throws TokenizerError when it fails, or a regex of the file goes on without end */
  private use<T>(part: string, slow: boolean, size: number, work: () => T): T {
    const limit = LIMIT_MS + size * LIMIT_MS_PER_CHARACTER;
    return explained(this.file, part, slow ? () => withTimeLimit(work, limit, tooSlow(this.file, part)) : work);
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

function checkIds(ids: readonly TokenId[]): void {
  const isList = Array.isArray(ids) || (ArrayBuffer.isView(ids) && !(ids instanceof DataView));
  if (!isList) throw new UsageError(`decode takes a list of token ids, got ${shown(ids)}`);
  for (let i = 0; i < ids.length; i++) {
    if (Number.isSafeInteger(ids[i]) && ids[i] >= 0) continue;
    throw new UsageError(`decode takes a list of token ids, integers from 0, got ${shown(ids[i])} in it`);
  }
}

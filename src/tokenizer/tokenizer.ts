import { Template } from "@huggingface/jinja";
import { Tokenizer as FastTokenizer } from "@huggingface/tokenizers";
import { TokenizerError, UsageError } from "../types/errors.js";
import type { TokenId } from "../types/token.js";

/** A turn of a conversation. */
export interface ChatMessage {
  role: string;
  content: string;
}

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
  chat_template?: string | { name: string; template: string }[];
}

/** Text to token ids and back, as Hugging Face's fast tokenizers do it. */
export class Tokenizer {
  /** Largest id + 1, added tokens included. */
  readonly vocabSize: number;
  readonly specialTokenIds: ReadonlySet<TokenId>;
  private readonly fast: FastTokenizer;
  private template: Template | undefined;

  constructor(
    readonly json: TokenizerJson,
    private readonly config: TokenizerConfig,
    file: string,
  ) {
    try {
      this.fast = new FastTokenizer(json, config);
    } catch (error) {
      throw new TokenizerError(`${file} cannot be used: ${(error as Error).message.split("\n")[0]}`);
    }
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
    return this.templateText() !== undefined;
  }

  /** The conversation as the model was taught to read it, ready for its answer. @throws UsageError without a template */
  renderChat(messages: readonly ChatMessage[], { addGenerationPrompt = true } = {}): string {
    const text = this.templateText();
    if (text === undefined) throw new UsageError("the tokenizer has no chat template: give the prompt as text");
    try {
      this.template ??= new Template(text);
      return this.template.render({
        messages: messages.map((message) => ({ ...message })),
        add_generation_prompt: addGenerationPrompt,
        bos_token: contentOf(this.config.bos_token),
        eos_token: contentOf(this.config.eos_token),
        pad_token: contentOf(this.config.pad_token),
        unk_token: contentOf(this.config.unk_token),
      });
    } catch (error) {
      throw new UsageError(`the chat template refuses the messages: ${(error as Error).message.split("\n")[0]}`);
    }
  }

  /** Ids of `renderChat`; the template itself writes special tokens, so none are added. */
  applyChatTemplate(messages: readonly ChatMessage[], options?: { addGenerationPrompt?: boolean }): TokenId[] {
    return this.encode(this.renderChat(messages, options), { addSpecialTokens: false });
  }

  private templateText(): string | undefined {
    const { chat_template: template } = this.config;
    if (!Array.isArray(template)) return template ?? undefined;
    return (template.find(({ name }) => name === "default") ?? template[0])?.template;
  }
}

function contentOf(token: SpecialToken | undefined): string {
  return typeof token === "string" ? token : (token?.content ?? "");
}

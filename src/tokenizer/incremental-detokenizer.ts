import type { TokenId } from "../types/token.js";
import type { Tokenizer } from "./tokenizer.js";

/** A UTF-8 character has at most four bytes, so at most this many undecoded ones can still become one. */
const MAX_PARTIAL = 3;
/** A window without a whole character at its end this long is no text: it is cut anyway, to stay linear. */
const MAX_WINDOW = 64;
/** Tokens before the first one that are decoded beside it: more than a character has bytes. */
const MAX_CONTEXT = 8;
const REPLACEMENT = "\uFFFD";

export interface DetokenizerOptions {
  /** Leave special tokens out of the text. Default true. */
  skipSpecialTokens?: boolean;
  /** The tokens before the first one, such as a prompt's. The text is what stands after theirs. Default none. */
  after?: readonly TokenId[];
}

/**
 * Turns ids into text token by token. A character whose bytes are spread over tokens appears when it is whole; the
 * pieces and `flush` together are what decoding all ids at once gives. Decodes a short window, not the whole output.
 */
export class IncrementalDetokenizer {
  private window: TokenId[];
  /** Tokens of the window before `settled` end at a whole character. */
  private settled: number;
  /** Length of the window's text that has been given out, or was there before the first token. */
  private given = 0;
  /** The text of the tokens before the first one, until something stands after it. */
  private before: string;
  private readonly skipSpecialTokens: boolean;

  constructor(
    private readonly tokenizer: Tokenizer,
    { skipSpecialTokens = true, after = [] }: DetokenizerOptions = {},
  ) {
    this.skipSpecialTokens = skipSpecialTokens;
    this.window = this.contextOf(after);
    this.settled = this.window.length;
    this.before = this.decode();
    this.given = this.before.length;
  }

  /** The text that became certain with this token; may be empty. */
  push(token: TokenId): string {
    if (this.hides(token)) return "";
    this.window.push(token);
    const text = this.decode();
    this.skipBefore(text);
    const certain = certainLength(text);
    const delta = text.slice(this.given, certain);
    this.given = Math.max(this.given, certain);
    if (delta !== "") this.before = "";
    if (certain === text.length || this.window.length - this.settled > MAX_WINDOW) this.settle(text);
    return delta;
  }

  /** The text of a special token that is left out; "" for all others. */
  hidden(token: TokenId): string {
    return this.hides(token) ? this.tokenizer.decode([token]) : "";
  }

  /** The text held back so far. */
  flush(): string {
    const text = this.decode();
    this.skipBefore(text);
    const delta = text.slice(this.given);
    this.given = text.length;
    this.before = "";
    return delta;
  }

  private hides(token: TokenId): boolean {
    return this.skipSpecialTokens && this.tokenizer.specialTokenIds.has(token);
  }

  /** The last tokens with a text: decoders treat the first one specially, so there must be one before the output's. */
  private contextOf(tokens: readonly TokenId[]): TokenId[] {
    const context: TokenId[] = [];
    let start = tokens.length;
    for (let enough = MAX_CONTEXT; start > 0; enough *= 2) {
      while (start > 0 && context.length < enough) {
        const token = tokens[--start];
        if (!this.hides(token)) context.unshift(token);
      }
      if (this.tokenizer.decode(context, { skipSpecialTokens: this.skipSpecialTokens }) !== "") break;
    }
    return context;
  }

  /** The bytes at the end of what stood before may become a character with the first tokens: that one is new. */
  private skipBefore(text: string): void {
    if (this.before === "") return;
    let same = 0;
    while (same < this.before.length && text[same] === this.before[same]) same++;
    this.given = same;
  }

  /** Drops what lies before the last whole character but one: decoders treat the first token of a text specially. */
  private settle(text: string): void {
    this.given = Math.max(this.given, certainLength(text));
    this.before = "";
    if (this.settled > 0) {
      const held = text.length - this.given;
      this.window = this.window.slice(this.settled);
      this.given = this.decode().length - held;
    }
    this.settled = this.window.length;
  }

  private decode(): string {
    return this.tokenizer.decode(this.window, { skipSpecialTokens: this.skipSpecialTokens });
  }
}

/** Text up to what could still be the beginning of a character. */
function certainLength(text: string): number {
  let end = text.length;
  while (end > 0 && text.length - end < MAX_PARTIAL && text[end - 1] === REPLACEMENT) end--;
  return end;
}

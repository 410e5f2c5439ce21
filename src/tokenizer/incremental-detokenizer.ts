import type { TokenId } from "../types/token.js";
import type { Tokenizer } from "./tokenizer.js";

/** A UTF-8 character has at most four bytes, so at most this many undecoded ones can still become one. */
const MAX_PARTIAL = 3;
/** A window without a whole character at its end this long is no text: it is cut anyway, to stay linear. */
const MAX_WINDOW = 64;
const REPLACEMENT = "\uFFFD";

/**
 * Turns ids into text token by token. A character whose bytes are spread over tokens appears when it is whole; the
 * pieces and `flush` together are what decoding all ids at once gives. Decodes a short window, not the whole output.
 */
export class IncrementalDetokenizer {
  private window: TokenId[] = [];
  /** Tokens of the window before `settled` end at a whole character. */
  private settled = 0;
  /** Length of the window's text that has been given out. */
  private given = 0;
  private readonly skipSpecialTokens: boolean;

  constructor(
    private readonly tokenizer: Tokenizer,
    options: { skipSpecialTokens?: boolean } = {},
  ) {
    this.skipSpecialTokens = options.skipSpecialTokens ?? true;
  }

  /** The text that became certain with this token; may be empty. */
  push(token: TokenId): string {
    if (this.skipSpecialTokens && this.tokenizer.specialTokenIds.has(token)) return "";
    this.window.push(token);
    const text = this.decode();
    const certain = certainLength(text);
    const delta = text.slice(this.given, certain);
    this.given = Math.max(this.given, certain);
    if (certain === text.length || this.window.length - this.settled > MAX_WINDOW) this.settle(text);
    return delta;
  }

  /** The text held back so far. */
  flush(): string {
    const text = this.decode();
    const delta = text.slice(this.given);
    this.given = text.length;
    return delta;
  }

  /** Drops what lies before the last whole character but one: decoders treat the first token of a text specially. */
  private settle(text: string): void {
    this.given = Math.max(this.given, certainLength(text));
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

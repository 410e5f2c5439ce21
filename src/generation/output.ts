import type { TokenId } from "../types/token.js";
import type { FinishReason, GenerationRequest, TokenEvent } from "./request.js";
import { StopStrings } from "./stopping.js";
import { meetsAny } from "./stopping-criteria.js";

/** Turns ids into text piece by piece; the tokenizer's IncrementalDetokenizer is one. */
export interface TextStream {
  push(token: TokenId): string;
  /** The text of a token that `push` leaves out, a special one; "" for all others. */
  hidden(token: TokenId): string;
  flush(): string;
}

/** The output of one sequence: tokens in, text and the reason to stop out. */
export class Output {
  finishReason: FinishReason | undefined;
  newTokens = 0;
  private readonly stops: StopStrings | undefined;

  constructor(
    private readonly index: number,
    private readonly request: GenerationRequest,
    private readonly text: TextStream | undefined,
  ) {
    this.stops = request.stopStrings.length > 0 ? new StopStrings([...request.stopStrings]) : undefined;
  }

  /**
   * Takes the next token. Sets finishReason when the output ends with it.
   * @param tokens all ids up to it, the prompt's too
   */
  push(tokenId: TokenId, source: string, tokens: () => readonly TokenId[]): TokenEvent {
    this.newTokens++;
    let text = this.text?.push(tokenId) ?? "";
    if (this.request.stopTokenIds.has(tokenId)) this.finishReason = "eos";
    if (this.stops) {
      const hidden = this.text?.hidden(tokenId) ?? "";
      const matched = this.stops.push(hidden || text, hidden !== "");
      text = matched.text;
      if (matched.stopped) this.finishReason = "stop";
    }
    const { stoppingCriteria } = this.request;
    if (!this.finishReason && stoppingCriteria.length > 0 && meetsAny(stoppingCriteria, tokens())) {
      this.finishReason = "criteria";
    }
    if (!this.finishReason && this.newTokens >= this.request.maxNewTokens) this.finishReason = "length";
    return { type: "token", index: this.index, tokenId, text, source };
  }

  /** Text held back until now; nothing of a stop string or after it. */
  flush(): string {
    if (this.finishReason === "stop") return "";
    const rest = this.text?.flush() ?? "";
    if (!this.stops) return rest;
    const pushed = this.stops.push(rest);
    const last = pushed.stopped ? { text: "", stopped: true } : this.stops.flush();
    if (last.stopped) this.finishReason = "stop";
    return pushed.text + last.text;
  }
}

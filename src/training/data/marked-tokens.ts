import { IncrementalDetokenizer } from "../../tokenizer/incremental-detokenizer.js";
import type { MarkedChat } from "../../tokenizer/marked-chat.js";
import type { Tokenizer } from "../../tokenizer/tokenizer.js";
import type { TokenId } from "../../types/token.js";

/**
 * The tokens of a text that hold characters of its marked stretches, first to behind the last. Undefined where the tokens do not
 * give the text back, so that nobody can tell.
 */
export function markedTokens(
  tokenizer: Tokenizer,
  { text, answers }: MarkedChat,
  tokens: readonly TokenId[],
): [first: number, end: number][] | undefined {
  const detokenizer = new IncrementalDetokenizer(tokenizer, { skipSpecialTokens: false });
  let read = "";
  // Behind each token's last whole character.
  const ends = tokens.map((token) => {
    read += detokenizer.push(token);
    return read.length;
  });
  if (read + detokenizer.flush() !== text) return undefined;
  return answers
    .filter(([start, end]) => start < end)
    .map(([start, end]) => {
      let first = ends.findIndex((to) => to > start);
      if (first < 0) first = tokens.length - 1;
      // A character's bytes may be spread over tokens: it becomes whole with the last of them.
      while (first > 0 && ends[first - 1] === start && (ends[first - 2] ?? 0) === start) first--;
      const last = ends.findIndex((to) => to >= end);
      return [first, last < 0 ? tokens.length : last + 1];
    });
}

import type { Tokenizer } from "../../tokenizer/tokenizer.js";
import type { TokenId } from "../../types/token.js";

/** The text that `tokens` add after `before`: a leading space or a character's last bytes depend on what stands there. */
export function shownText(tokenizer: Tokenizer, before: readonly TokenId[], tokens: readonly TokenId[]): string {
  const start = tokenizer.decode(before);
  const whole = tokenizer.decode([...before, ...tokens]);
  let same = 0;
  while (same < start.length && start[same] === whole[same]) same++;
  // An unfinished character at the end is no text yet.
  return whole.slice(same).replace(/\uFFFD+$/u, "");
}

/**
 * The tokens that `text` has after `before`. Both are encoded together, with as many of the tokens before as keep their
 * own ids; where none do, the text is encoded alone.
 */
export function alignText(tokenizer: Tokenizer, before: readonly TokenId[], text: string): TokenId[] {
  if (text === "") return [];
  const encode = (s: string) => tokenizer.encode(s, { addSpecialTokens: false });
  for (let count = before.length; count > 0; count = Math.floor(count / 2)) {
    const seam = before.slice(-count);
    const ids = encode(tokenizer.decode(seam) + text);
    if (seam.every((id, i) => ids[i] === id)) return ids.slice(count);
  }
  return encode(text);
}

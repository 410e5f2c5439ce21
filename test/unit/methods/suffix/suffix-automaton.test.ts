import fc from "fast-check";
import { expect, test } from "vitest";
import { SuffixAutomaton } from "../../../../src/methods/suffix/suffix-automaton.js";

const texts = fc.array(fc.integer({ min: 0, max: 3 }), { maxLength: 60 });

/** The longest end of `text` that stands in `corpus`. */
function longestEnd(corpus: readonly number[], text: readonly number[]): number {
  for (let length = text.length; length > 0; length--) {
    const end = text.slice(-length).join();
    for (let at = 0; at + length <= corpus.length; at++)
      if (corpus.slice(at, at + length).join() === end) return length;
  }
  return 0;
}

test("knows the longest end that occurs earlier, and where", () => {
  fc.assert(
    fc.property(texts, (text) => {
      const automaton = new SuffixAutomaton();
      text.forEach((token, i) => {
        automaton.push(token);
        const { length, end } = automaton.longestRepeated();
        const sofar = text.slice(0, i + 1);
        let expected = 0;
        for (let n = 1; n <= i; n++) {
          const last = sofar.slice(-n).join();
          if (sofar.some((_, at) => at + n <= i && sofar.slice(at, at + n).join() === last)) expected = n;
        }
        expect(length).toBe(expected);
        if (length === 0) return;
        expect(end).toBeLessThan(i);
        expect(text.slice(end + 1 - length, end + 1)).toEqual(sofar.slice(-length));
      });
    }),
    { numRuns: 300 },
  );
});

test("a reader follows the longest end of its text that occurs in a corpus", () => {
  fc.assert(
    fc.property(texts, texts, (corpus, text) => {
      const automaton = new SuffixAutomaton();
      for (const token of corpus) automaton.push(token);
      let match = { state: 0, length: 0 };
      text.forEach((token, i) => {
        match = automaton.advance(match, token);
        const sofar = text.slice(0, i + 1);
        expect(match.length).toBe(longestEnd(corpus, sofar));
        if (match.length === 0) return;
        const next = automaton.following(match, 3);
        const places = corpus
          .map((_, at) => at)
          .filter((at) => corpus.slice(at, at + match.length).join() === sofar.slice(-match.length).join());
        expect(places.map((at) => corpus.slice(at + match.length, at + match.length + 3).join())).toContain(
          next.join(),
        );
      });
    }),
    { numRuns: 300 },
  );
});

test("takes about constant time a token", () => {
  const automaton = new SuffixAutomaton();
  let state = 1;
  for (let i = 0; i < 200_000; i++) {
    state = (Math.imul(state, 1103515245) + 12345) & 0x7fffffff;
    automaton.push(i % 97 < 60 ? i % 97 : (state >> 8) % 5000);
  }
  expect(automaton.tokens.length).toBe(200_000);
  expect(automaton.longestRepeated().length).toBeGreaterThan(0);
});

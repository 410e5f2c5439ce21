import { parse, tokenize } from "@huggingface/jinja";
import type { Statement } from "./nodes.js";
import { type GenerationMarks, type Segment, segments } from "./segments.js";
import { TemplateError } from "./template-error.js";
import { brackets, isWord, rewritten, type Token } from "./token-rewriting.js";

/** Characters; the longest templates in use have 40,000. */
const LONGEST = 131_072;

/** Words that never begin the argument of a test that is written without brackets. */
const KEYWORDS = new Set(["and", "or", "not", "is", "in", "if", "else", "recursive"]);

/** The template's syntax tree. @throws TemplateError with the line */
export function parseTemplate(template: string, marks?: GenerationMarks): Statement[] {
  if (template.length > LONGEST) {
    throw new TemplateError("limit", `it has ${template.length} characters, more than the ${LONGEST} that are read`);
  }
  const tokens: Token[] = [];
  const lines: number[] = [];
  for (const segment of segments(template, marks)) {
    for (const token of tokensOf(segment)) {
      tokens.push(token);
      lines.push(segment.line);
    }
  }
  try {
    return parse(tokens).body as unknown as Statement[];
  } catch (error) {
    throw syntaxError(error, lines[furthest(tokens)] ?? lines.at(-1));
  }
}

function tokensOf({ kind, value, line }: Segment): Token[] {
  if (kind === "text") return [{ value, type: "Text" }];
  try {
    return rewritten(withTestArguments(tokenize(kind === "statement" ? `{% ${value} %}` : `{{ ${value} }}`)));
  } catch (error) {
    throw syntaxError(error, line);
  }
}

/**
 * The parser knows tests without arguments only: `x is divisibleby(3)` becomes the filter `x | is divisibleby (3)`, a
 * name that no template can write.
 */
function withTestArguments(tokens: Token[]): Token[] {
  if (!tokens.some((token) => isWord(token, "is"))) return tokens;
  const pairs = brackets(tokens);
  const result: Token[] = [];
  const closed: number[] = [];
  for (let i = 0; i < tokens.length; i++) {
    for (; closed.at(-1) === i; closed.pop()) result.push({ value: ")", type: "CloseParen" });
    const negated = isWord(tokens[i + 1], "not");
    const name = tokens[i + (negated ? 2 : 1)];
    const first = i + (negated ? 3 : 2);
    const end = isWord(tokens[i], "is") && name && isTestName(name) ? argumentEnd(tokens, first, pairs) : first;
    if (end === first) {
      result.push(tokens[i]);
      continue;
    }
    result.push(
      { value: "|", type: "Pipe" },
      { value: `is ${negated ? "not " : ""}${name.value}`, type: "Identifier" },
    );
    if (tokens[first].type !== "OpenParen") {
      result.push({ value: "(", type: "OpenParen" });
      closed.push(end);
    }
    i = first - 1;
  }
  return result;
}

/** Names and operators such as == can stand as tests. */
function isTestName({ type }: Token): boolean {
  return type === "Identifier" || type === "ComparisonBinaryOperator";
}

/** Behind the argument that begins at `first`; `first` when none does. */
function argumentEnd(tokens: readonly Token[], first: number, pairs: ReadonlyMap<number, number>): number {
  const token = tokens[first];
  const word = token?.type === "Identifier" && !KEYWORDS.has(token.value);
  const literal = token?.type === "StringLiteral" || token?.type === "NumericLiteral";
  if (token?.type === "OpenParen") return first + 1;
  const bracket = pairs.get(first);
  if (!word && !literal && bracket === undefined) return first;
  let end = bracket ?? first + 1;
  for (;;) {
    if (tokens[end]?.type === "Dot") end += 2;
    else if (pairs.has(end)) end = pairs.get(end)!;
    else return end;
  }
}

/** The last token that the parser looked at before it failed. */
function furthest(tokens: Token[]): number {
  let last = 0;
  const watched = new Proxy(tokens, {
    get(target, key) {
      const index = typeof key === "string" ? Number(key) : Number.NaN;
      if (index > last && index < target.length) last = index;
      return Reflect.get(target, key);
    },
  });
  try {
    parse(watched);
  } catch {
    // It is known to fail; where is what was asked.
  }
  return last;
}

function syntaxError(error: unknown, line: number | undefined): TemplateError {
  if (error instanceof TemplateError) return error;
  if (error instanceof RangeError) return new TemplateError("limit", "it nests too deeply", line);
  // The library reads past its last token when a block is not closed.
  if (error instanceof TypeError) return new TemplateError("syntax", "a block or an expression is not closed", line);
  const message = (error as Error).message.replace(/^Parser Error: /, "").replace(/\.\.$/, "");
  return new TemplateError("syntax", message, line);
}

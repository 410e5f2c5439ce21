import { parse, tokenize } from "@huggingface/jinja";
import type { Statement } from "./nodes.js";
import { type Segment, segments } from "./segments.js";
import { TemplateError } from "./template-error.js";

type Token = ReturnType<typeof tokenize>[number];

/** Characters; the longest templates in use have 40,000. */
const LONGEST = 262_144;

/** Words that never begin the argument of a test that is written without brackets. */
const KEYWORDS = new Set(["and", "or", "not", "is", "in", "if", "else", "recursive"]);

/** The template's syntax tree. @throws TemplateError with the line */
export function parseTemplate(template: string): Statement[] {
  if (template.length > LONGEST) {
    throw new TemplateError("limit", `it has ${template.length} characters, more than the ${LONGEST} that are read`);
  }
  const tokens: Token[] = [];
  const lines: number[] = [];
  for (const segment of segments(template)) {
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
    return withTestArguments(tokenize(kind === "statement" ? `{% ${value} %}` : `{{ ${value} }}`));
  } catch (error) {
    throw syntaxError(error, line);
  }
}

/**
 * The parser knows tests without arguments only: `x is divisibleby(3)` becomes the filter `x | is divisibleby (3)`, a
 * name that no template can write.
 */
function withTestArguments(tokens: Token[]): Token[] {
  const result: Token[] = [];
  for (let i = 0; i < tokens.length; i++) {
    const negated = isWord(tokens[i + 1], "not");
    const name = tokens[i + (negated ? 2 : 1)];
    const first = i + (negated ? 3 : 2);
    const end = isWord(tokens[i], "is") && name?.type === testName(name) ? argumentEnd(tokens, first) : first;
    if (end === first) {
      result.push(tokens[i]);
      continue;
    }
    const bracketed = tokens[first].type === "OpenParen";
    result.push(
      { value: "|", type: "Pipe" },
      { value: `is ${negated ? "not " : ""}${name.value}`, type: "Identifier" },
    );
    const args = withTestArguments(bracketed ? tokens.slice(first + 1, end - 1) : tokens.slice(first, end));
    result.push({ value: "(", type: "OpenParen" }, ...args, { value: ")", type: "CloseParen" });
    i = end - 1;
  }
  return result;
}

/** Names and operators such as == can stand as tests. */
function testName({ type }: Token): Token["type"] | undefined {
  return type === "Identifier" || type === "ComparisonBinaryOperator" ? type : undefined;
}

function isWord(token: Token | undefined, word: string): boolean {
  return token?.type === "Identifier" && token.value === word;
}

const OPENING = new Set<string>(["OpenParen", "OpenSquareBracket", "OpenCurlyBracket"]);
const CLOSING = new Set<string>(["CloseParen", "CloseSquareBracket", "CloseCurlyBracket"]);

/** Behind the argument that begins at `first`; `first` when none does. */
function argumentEnd(tokens: readonly Token[], first: number): number {
  const token = tokens[first];
  const word = token?.type === "Identifier" && !KEYWORDS.has(token.value);
  const literal = token?.type === "StringLiteral" || token?.type === "NumericLiteral";
  if (!word && !literal && !OPENING.has(token?.type ?? "")) return first;
  let end = OPENING.has(token.type) ? bracketEnd(tokens, first) : first + 1;
  if (token.type === "OpenParen") return end;
  while (
    tokens[end]?.type === "Dot" ||
    tokens[end]?.type === "OpenSquareBracket" ||
    tokens[end]?.type === "OpenParen"
  ) {
    end = tokens[end].type === "Dot" ? end + 2 : bracketEnd(tokens, end);
  }
  return end;
}

function bracketEnd(tokens: readonly Token[], open: number): number {
  let depth = 0;
  for (let i = open; i < tokens.length; i++) {
    if (OPENING.has(tokens[i].type)) depth++;
    else if (CLOSING.has(tokens[i].type) && --depth === 0) return i + 1;
  }
  return tokens.length;
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

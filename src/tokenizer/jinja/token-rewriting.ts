import type { tokenize } from "@huggingface/jinja";

export type Token = ReturnType<typeof tokenize>[number];

/** Names that no template can write, for what the parser's library has no syntax of. */
export const EMPTY_TUPLE = "()";
/** Behind the last comma of a tuple: `(1,)`. */
export const TUPLE_END = ",";
/** A filter that changes nothing: what it is put on stood in brackets. */
export const BRACKETS = "(...)";
/** A filter block that is a `with` block. */
export const WITH = "{% with %}";
/** A function around what a recursive loop goes through. */
export const RECURSIVE = "{% recursive %}";

/** Words that are no value: a bracket behind one begins an expression, not the arguments of a call. */
const OPERATORS = new Set(["and", "or", "not", "is", "in", "if", "else"]);

export function word(value: string): Token {
  return { value, type: "Identifier" };
}

export function isWord(token: Token | undefined, value: string): boolean {
  return token?.type === "Identifier" && token.value === value;
}

const OPEN: Token = { value: "(", type: "OpenParen" };
const CLOSE: Token = { value: ")", type: "CloseParen" };
const OPENING = new Set<string>(["OpenParen", "OpenSquareBracket", "OpenCurlyBracket"]);
const CLOSING = new Set<string>(["CloseParen", "CloseSquareBracket", "CloseCurlyBracket"]);

/** Behind the closing bracket, for every opening one. */
export function brackets(tokens: readonly Token[]): Map<number, number> {
  const pairs = new Map<number, number>();
  const open: number[] = [];
  tokens.forEach(({ type }, i) => {
    if (OPENING.has(type)) open.push(i);
    else if (CLOSING.has(type) && open.length > 0) pairs.set(open.pop()!, i + 1);
  });
  return pairs;
}

/** A tag's tokens with what the library cannot parse written in another way: `with`, `recursive`, tuples, comparisons. */
export function rewritten(tokens: Token[]): Token[] {
  return withTuples(withTags(tokens));
}

/**
 * `{% with a = 1 %}` becomes a filter block, what a recursive loop goes through the argument of a function; tuples without
 * brackets get some.
 */
function withTags(tokens: Token[]): Token[] {
  if (tokens.length < 3) return tokens;
  const [open, name] = tokens;
  const [rest, close] = [tokens.slice(2, -1), tokens[tokens.length - 1]];
  if (open.type === "OpenExpression") return [open, ...bracketed(tokens.slice(1, -1)), close];
  if (open.type !== "OpenStatement") return tokens;
  if (isWord(name, "endwith")) return [open, word("endfilter"), ...rest, close];
  if (isWord(name, "with")) return [open, word("filter"), ...call(WITH, rest), close];
  if (isWord(name, "set")) {
    const equals = outside(rest, ({ type }) => type === "Equals");
    if (equals === rest.length) return tokens;
    return [open, name, ...rest.slice(0, equals + 1), ...bracketed(rest.slice(equals + 1)), close];
  }
  const start = outside(rest, (token) => isWord(token, "in"));
  if (!isWord(name, "for") || start === rest.length) return tokens;
  const recursive = isWord(rest.at(-1), "recursive");
  const source = rest.slice(start + 1, recursive ? -1 : undefined);
  const end = outside(source, (token) => isWord(token, "if"));
  const items = [...bracketed(source.slice(0, end)), ...source.slice(end)];
  return [open, name, ...rest.slice(0, start + 1), ...(recursive ? call(RECURSIVE, items) : items), close];
}

/** The first such token outside of brackets; the number of tokens where there is none. */
function outside(tokens: readonly Token[], wanted: (token: Token) => boolean): number {
  const pairs = brackets(tokens);
  let i = 0;
  while (i < tokens.length && !wanted(tokens[i])) i = pairs.get(i) ?? i + 1;
  return Math.min(i, tokens.length);
}

/** In brackets where there is a comma outside of any. */
function bracketed(tokens: readonly Token[]): readonly Token[] {
  const isTuple = outside(tokens, ({ type }) => type === "Comma") < tokens.length;
  return isTuple ? [OPEN, ...tokens, CLOSE] : tokens;
}

function call(name: string, tokens: readonly Token[]): Token[] {
  return [word(name), OPEN, ...tokens, CLOSE];
}

/** The empty tuple, tuples that end with a comma, and comparisons in brackets that are compared with something. */
function withTuples(tokens: Token[]): Token[] {
  if (!tokens.some(({ type }) => type === "OpenParen")) return tokens;
  /** Where groups close, with where they open. */
  const groups = new Map<number, number>();
  for (const [start, end] of brackets(tokens)) {
    if (tokens[start].type === "OpenParen" && !isCall(tokens, start)) groups.set(end - 1, start);
  }
  /** Comparisons before each token. */
  const before = [0];
  for (let i = 0; i < tokens.length; i++) before.push(before[i] + (isComparison(tokens, i) ? 1 : 0));
  return tokens.flatMap((token, i) => {
    const start = groups.get(i);
    if (start === undefined) return groups.get(i + 1) === i ? [] : [token];
    if (start === i - 1) return [word(EMPTY_TUPLE)];
    if (tokens[i - 1].type === "Comma") return [word(TUPLE_END), token];
    const chained = isComparison(tokens, i + 1) && before[i] > before[start];
    return chained ? [token, { value: "|", type: "Pipe" as const }, word(BRACKETS)] : [token];
  });
}

/** Whether the bracket that opens at `start` holds arguments. */
function isCall(tokens: readonly Token[], start: number): boolean {
  const [tag, before] = [tokens[start - 2], tokens[start - 1]];
  if (before?.type === "Identifier") {
    return tag?.type === "OpenStatement" ? before.value === "call" : !OPERATORS.has(before.value);
  }
  return before !== undefined && CLOSING.has(before.type);
}

function isComparison(tokens: readonly Token[], i: number): boolean {
  const token = tokens[i];
  if (isWord(token, "not")) return isWord(tokens[i + 1], "in");
  return token?.type === "ComparisonBinaryOperator" || isWord(token, "in");
}

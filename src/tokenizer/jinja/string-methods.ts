import { Arguments } from "./arguments.js";
import type { Budget } from "./budget.js";
import { braceFormat, type Lookup } from "./format.js";
import { concat, iterate, truthy } from "./operators.js";
import { fail } from "./template-error.js";
import { capitalize, characterCount, characters, isSpace, lines, strip, title, words } from "./unicode.js";
import { Callable, sequence, Tuple, typeName, type Value } from "./values.js";

type Method = (text: string, args: Arguments, budget: Budget) => Value;

/** The methods of a str that give a value of their own, with their parameters. */
const METHODS: Record<string, [parameters: string[], method: Method]> = {
  capitalize: [[], capitalize],
  casefold: [[], (text) => text.toLowerCase()],
  center: [["width", "fillchar"], (text, args, budget) => pad(text, args, budget, "center")],
  count: [["sub"], (text, args) => occurrences(text, args.requiredText("sub"))],
  endswith: [["suffix"], (text, args) => affixes(args.required("suffix")).some((affix) => text.endsWith(affix))],
  find: [["sub", "start"], (text, args) => find(text, args, "indexOf")],
  index: [["sub", "start"], (text, args) => found(find(text, args, "indexOf"))],
  isalnum: [[], (text) => /^[\p{L}\p{N}]+$/u.test(text)],
  isalpha: [[], (text) => /^\p{L}+$/u.test(text)],
  isascii: [[], (text) => characters(text).every((character) => character < "\x80")],
  isdecimal: [[], (text) => /^\p{Nd}+$/u.test(text)],
  isdigit: [[], (text) => /^[\p{Nd}²³¹⁰-⁹₀-₉]+$/u.test(text)],
  isidentifier: [[], (text) => /^[\p{L}_][\p{L}\p{N}_]*$/u.test(text)],
  islower: [[], (text) => text === text.toLowerCase() && text !== text.toUpperCase()],
  isnumeric: [[], (text) => /^\p{N}+$/u.test(text)],
  isspace: [[], (text) => text !== "" && strip(text, "both") === ""],
  istitle: [[], (text) => text === title(text) && text.toLowerCase() !== text.toUpperCase()],
  isupper: [[], (text) => text === text.toUpperCase() && text !== text.toLowerCase()],
  join: [["iterable"], (text, args, budget) => join(text, iterate(args.required("iterable"), budget), budget)],
  ljust: [["width", "fillchar"], (text, args, budget) => pad(text, args, budget, "left")],
  lower: [[], (text) => text.toLowerCase()],
  lstrip: [["chars"], (text, args) => strip(text, "left", args.text("chars"))],
  partition: [
    ["sep"],
    (text, args) => partition(text, args.requiredText("sep"), text.indexOf(args.requiredText("sep"))),
  ],
  removeprefix: [["prefix"], (text, args) => without(text, args.requiredText("prefix"), "start")],
  removesuffix: [["suffix"], (text, args) => without(text, args.requiredText("suffix"), "end")],
  replace: [["old", "new", "count"], replaceMethod],
  rfind: [["sub", "start"], (text, args) => find(text, args, "lastIndexOf")],
  rindex: [["sub", "start"], (text, args) => found(find(text, args, "lastIndexOf"))],
  rjust: [["width", "fillchar"], (text, args, budget) => pad(text, args, budget, "right")],
  rpartition: [["sep"], (text, args) => rpartition(text, args.requiredText("sep"))],
  rsplit: [["sep", "maxsplit"], (text, args, budget) => split(text, args, budget, true)],
  rstrip: [["chars"], (text, args) => strip(text, "right", args.text("chars"))],
  split: [["sep", "maxsplit"], (text, args, budget) => split(text, args, budget, false)],
  splitlines: [["keepends"], splitLines],
  startswith: [["prefix"], (text, args) => affixes(args.required("prefix")).some((affix) => text.startsWith(affix))],
  strip: [["chars"], (text, args) => strip(text, "both", args.text("chars"))],
  swapcase: [[], (text) => text.replace(/\p{L}/gu, (c) => (c === c.toUpperCase() ? c.toLowerCase() : c.toUpperCase()))],
  title: [[], title],
  upper: [[], (text) => text.toUpperCase()],
  zfill: [["width"], zeroFill],
};

/** Methods that are one search of the engine's own. */
const SWIFT = new Set([
  ...["endswith", "join", "lower", "partition", "removeprefix", "removesuffix", "replace", "rpartition"],
  ...["lstrip", "rstrip", "split", "startswith", "strip", "upper"],
]);

/** A method of a text, or undefined when Python's str has none of that name. */
export function stringMethod(text: string, name: string, lookup: Lookup, budget: Budget): Callable | undefined {
  if (name === "format") {
    return new Callable(name, (args, keywords) => braceFormat(text, args, keywords, lookup, budget));
  }
  if (!Object.hasOwn(METHODS, name)) return undefined;
  const [parameters, method] = METHODS[name];
  return new Callable(name, (args, keywords) => {
    // Most look at every character, some with work for each.
    if (SWIFT.has(name)) budget.read(text.length);
    else budget.scan(text.length);
    const result = method(text, new Arguments(`${name}()`, parameters, args, keywords, budget), budget);
    if (typeof result === "string") budget.text(result.length);
    return result;
  });
}

/** The texts joined by `separator`. @throws TemplateError for an element that is no text */
export function join(separator: string, items: readonly Value[], budget: Budget): string {
  const texts = items.map((item, i) => {
    if (typeof item === "string") return item;
    return fail(`sequence item ${i}: expected str instance, ${typeName(item)} found`);
  });
  budget.text(separator.length * texts.length);
  return concat(texts.length === 2 ? [texts[0], separator + texts[1]] : [texts.join(separator)], budget);
}

/** str.replace; `count` below 0 replaces all. */
export function replace(text: string, old: string, by: string, count: number, budget: Budget): string {
  const all = old === "" ? characterCount(text) + 1 : occurrences(text, old);
  const times = count < 0 ? all : Math.min(count, all);
  budget.list(times);
  budget.text(text.length + times * by.length);
  if (times === 0) return text;
  const pieces = old === "" ? ["", ...characters(text), ""] : text.split(old);
  return pieces.slice(0, times).join(by) + by + pieces.slice(times).join(old);
}

function replaceMethod(text: string, args: Arguments, budget: Budget): string {
  return replace(text, args.requiredText("old"), args.requiredText("new"), args.integer("count", -1), budget);
}

function occurrences(text: string, part: string): number {
  if (part === "") return characterCount(text) + 1;
  let count = 0;
  for (let at = text.indexOf(part); at >= 0; at = text.indexOf(part, at + part.length)) count++;
  return count;
}

function affixes(value: Value): string[] {
  const items = value instanceof Tuple ? sequence(value)! : [value];
  return items.map((item) => (typeof item === "string" ? item : fail(`expected a str, not ${typeName(item)}`)));
}

/** Where `sub` is, in code points; -1 for nowhere. */
function find(text: string, args: Arguments, search: "indexOf" | "lastIndexOf"): number {
  const start = characters(text).slice(0, args.integer("start", 0)).join("").length;
  const at = text[search](args.requiredText("sub"), search === "indexOf" ? start : undefined);
  return at < start ? -1 : characterCount(text.slice(0, at));
}

function found(at: number): number {
  return at < 0 ? fail("substring not found") : at;
}

function partition(text: string, separator: string, at: number): Tuple {
  if (separator === "") fail("empty separator");
  return new Tuple(at < 0 ? [text, "", ""] : [text.slice(0, at), separator, text.slice(at + separator.length)]);
}

function rpartition(text: string, separator: string): Tuple {
  const at = text.lastIndexOf(separator);
  return at < 0 ? new Tuple(["", "", text]) : partition(text, separator, at);
}

function without(text: string, affix: string, end: "start" | "end"): string {
  if (affix === "") return text;
  if (end === "start") return text.startsWith(affix) ? text.slice(affix.length) : text;
  return text.endsWith(affix) ? text.slice(0, -affix.length) : text;
}

export function pad(text: string, args: Arguments, budget: Budget, side: "left" | "right" | "center"): string {
  const width = args.integer("width", 0);
  const gap = Math.max(0, width - characterCount(text));
  const fill = args.text("fillchar") ?? " ";
  if (characterCount(fill) !== 1) fail("the fill character must be exactly one character long");
  budget.text(gap + text.length);
  // Python's rule for the odd one out.
  const before = side === "left" ? 0 : side === "right" ? gap : (gap >> 1) + (gap & width & 1);
  return fill.repeat(before) + text + fill.repeat(gap - before);
}

function zeroFill(text: string, args: Arguments, budget: Budget): string {
  const gap = Math.max(0, args.integer("width", 0) - characterCount(text));
  budget.text(gap);
  const sign = /^[+-]/.exec(text)?.[0] ?? "";
  return sign + "0".repeat(gap) + text.slice(sign.length);
}

function splitLines(text: string, args: Arguments, budget: Budget): string[] {
  const keep = args.value("keepends");
  const parts = lines(text, keep !== undefined && truthy(keep));
  budget.list(parts.length);
  return parts;
}

function split(text: string, args: Arguments, budget: Budget, fromRight: boolean): string[] {
  const separator = args.text("sep");
  const most = args.integer("maxsplit", -1);
  if (separator === "") fail("empty separator");
  budget.list(separator === undefined ? text.length >> 1 : occurrences(text, separator));
  if (separator === undefined && most >= 0) return splitWords(text, most, fromRight);
  const parts = separator === undefined ? words(text) : text.split(separator);
  if (most < 0 || parts.length <= most + 1) return parts;
  if (fromRight) return [parts.slice(0, parts.length - most).join(separator), ...parts.slice(parts.length - most)];
  return [...parts.slice(0, most), parts.slice(most).join(separator)];
}

/** At most `most` words from one end, then the rest as it is. */
function splitWords(text: string, most: number, fromRight: boolean): string[] {
  const parts: string[] = [];
  let rest = strip(text, "both");
  while (rest !== "" && parts.length < most) {
    let [start, end] = [0, rest.length];
    if (fromRight) for (start = rest.length; start > 0 && !isSpace(rest[start - 1]); ) start--;
    else for (end = 0; end < rest.length && !isSpace(rest[end]); ) end++;
    parts.push(rest.slice(start, end));
    rest = fromRight ? strip(rest.slice(0, start), "right") : strip(rest.slice(end), "left");
  }
  if (rest !== "") parts.push(rest);
  return fromRight ? parts.reverse() : parts;
}

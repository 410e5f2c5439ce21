import type { Arguments } from "./arguments.js";
import type { Budget } from "./budget.js";
import { str } from "./text.js";
import { characterCount, characters, lines } from "./unicode.js";
import type { Value } from "./values.js";

/** Lines after the first get `width` spaces, or a text, in front; empty ones only with `blank`. */
export function indent(value: Value, args: Arguments, budget: Budget): string {
  const text = str(value, budget);
  const width = args.value("width");
  const parts = lines(`${text}\n`, false);
  const length = typeof width === "string" ? width.length : Math.max(0, args.integer("width", 4));
  budget.list(parts.length);
  budget.text(text.length + length * parts.length);
  const lead = typeof width === "string" ? width : " ".repeat(length);
  const blank = args.flag("blank");
  const indented = parts.map((line, i) => {
    const wanted = i === 0 ? args.flag("first") : blank || line !== "";
    return wanted ? lead + line : line;
  });
  return indented.join("\n");
}

/** Cuts at `length` characters, at a word unless `killwords`, with `end` counted in. */
export function truncate(value: Value, args: Arguments, budget: Budget): string {
  const text = str(value, budget);
  const length = args.integer("length", 255);
  const end = args.text("end") ?? "...";
  if (characterCount(text) <= length + args.integer("leeway", 5)) return text;
  const cut = characters(text)
    .slice(0, Math.max(0, length - characterCount(end)))
    .join("");
  if (args.flag("killwords")) return cut + end;
  const space = cut.lastIndexOf(" ");
  return (space < 0 ? cut : cut.slice(0, space)) + end;
}

export function wordCount(value: Value, _: Arguments, budget: Budget): number {
  return str(value, budget).match(/[\p{L}\p{N}_]+/gu)?.length ?? 0;
}

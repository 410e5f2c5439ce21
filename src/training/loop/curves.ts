/** A line of a training's log: what a progress event says, and when. */
export type LogEntry = { stage: string; step: number } & Readonly<Record<string, unknown>>;

/** One picture: values over steps, a line for each name. */
export interface Chart {
  title: string;
  steps: number[];
  lines: { name: string; values: (number | null)[] }[];
}

/** Points that a line is drawn of at most: more are averaged. */
const POINTS = 1000;
const SKIPPED = new Set(["stage", "step", "steps", "time"]);

/** The curves that a log holds: a chart for each quantity of the steps, and of the validations. */
export function chartsOf(entries: readonly LogEntry[]): Chart[] {
  return ["validation", "training"].flatMap((stage) => {
    const of = entries.filter((entry) => entry.stage === stage);
    const fields = [...new Set(of.flatMap((entry) => Object.keys(entry)))].filter((field) => !SKIPPED.has(field));
    return fields
      .map((field) => chartOf(`${stage}: ${words(field)}`, field, of))
      .filter(({ lines }) => lines.length > 0);
  });
}

function chartOf(title: string, field: string, entries: readonly LogEntry[]): Chart {
  const rows = entries.map((entry) => numbersOf(entry[field]));
  const count = Math.max(0, ...rows.map((row) => row.length));
  const perPoint = Math.ceil(entries.length / POINTS);
  const starts = Array.from({ length: Math.ceil(entries.length / perPoint) }, (_, i) => i * perPoint);
  return {
    title,
    // A point stands at the last step that it is the mean of.
    steps: starts.map((from) => entries[Math.min(entries.length, from + perPoint) - 1].step),
    lines: Array.from({ length: count }, (_, line) => ({
      name: count === 1 ? words(field) : String(line + 1),
      values: starts.map((from) => meanOf(rows.slice(from, from + perPoint).map((row) => row[line]))),
    })),
  };
}

/** What a log entry says in numbers. */
export function quantitiesOf(entry: LogEntry): { field: string; values: number[] }[] {
  return Object.entries(entry)
    .filter(([field]) => !SKIPPED.has(field))
    .map(([field, value]) => ({ field, values: numbersOf(value) }));
}

/** One number, or one for each part; of parts that are lists themselves, such as accuracies by rank, the first. */
function numbersOf(value: unknown): number[] {
  if (typeof value === "number") return [value];
  if (!Array.isArray(value)) return [];
  return value.flatMap((part) => numbersOf(part).slice(0, 1));
}

function meanOf(values: readonly (number | undefined)[]): number | null {
  const finite = values.filter((value): value is number => value !== undefined && Number.isFinite(value));
  return finite.length === 0 ? null : finite.reduce((sum, value) => sum + value, 0) / finite.length;
}

/** "tokensPerPass" in words. */
function words(field: string): string {
  return field.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}

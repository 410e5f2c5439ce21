import { describe, expect, test } from "vitest";
import { schemaError, schemaReader } from "../../../support/grammar-texts.js";

const read = await schemaReader();

describe("numbers between bounds, against arithmetic", () => {
  const values = [
    -1000, -999, -120, -101, -100, -99, -12, -10, -9, -2, -1, 0, 1, 2, 9, 10, 11, 99, 100, 101, 120, 999, 1000,
  ];
  const bounds = [undefined, -130, -100, -99, -10, -1, 0, 1, 5, 10, 99, 100, 115];
  const pairs = bounds.flatMap((low) => bounds.map((high) => [low, high] as const));
  test.each(["minimum maximum", "exclusiveMinimum exclusiveMaximum"])("integers, %s", (keywords) => {
    const [lower, upper] = keywords.split(" ");
    const within = withinBounds(lower.startsWith("exclusive"));
    for (const [low, high] of pairs) {
      if (low === undefined && high === undefined) continue;
      const allowed = [...values, ...[low, high].flatMap((bound) => [bound! - 1, bound!, bound! + 1])].filter(
        Number.isInteger,
      );
      check({ type: "integer", [lower]: low, [upper]: high }, allowed.map(String), (text) =>
        within(Number(text), low, high),
      );
    }
  });

  const fractions = [undefined, -2.05, -1, -0.5, 0, 0.049, 0.5, 1, 1.25, 1.3];
  const texts = [
    "-3",
    "-2.06",
    "-2.05",
    "-2.04",
    "-2.0499",
    "-1.01",
    "-1",
    "-1.0",
    "-0.99",
    "-0.5",
    "-0.50",
    "-0.4",
    "0",
    "0.0",
    "0.04",
    "0.0489",
    "0.049",
    "0.0491",
    "0.5",
    "0.51",
    "1",
    "1.0",
    "1.2",
    "1.24",
    "1.25",
    "1.250",
    "1.251",
    "1.3",
    "1.31",
    "2",
    "12.5",
  ];
  test.each(["minimum maximum", "exclusiveMinimum exclusiveMaximum"])("decimals, %s", (keywords) => {
    const [lower, upper] = keywords.split(" ");
    const within = withinBounds(lower.startsWith("exclusive"));
    for (const low of fractions) {
      for (const high of fractions) {
        if (low === undefined && high === undefined) continue;
        check({ type: "number", [lower]: low, [upper]: high }, texts, (text) => within(Number(text), low, high));
      }
    }
  });

  const withinBounds = (exclusive: boolean) => (value: number, low?: number, high?: number) => {
    if (exclusive) return (low === undefined || value > low) && (high === undefined || value < high);
    return (low === undefined || value >= low) && (high === undefined || value <= high);
  };

  function check(schema: object, all: readonly string[], right: (text: string) => boolean): void {
    const allowed = all.filter(right);
    if (allowed.length === 0) {
      const error = schemaError(schema);
      if (error) expect(error.message).toContain("no number is within the bounds");
      return;
    }
    const allows = read(schema);
    expect(
      all.filter((text) => allows(text)),
      JSON.stringify(schema),
    ).toEqual(allowed);
  }
});

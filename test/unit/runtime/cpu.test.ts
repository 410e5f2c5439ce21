import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { cpuFeatures } from "../../../src/runtime/cpu.js";
import { cpuid } from "../../../src/runtime/cpuid.js";

test.skipIf(!cpuid())("CPUID's flags are those that the system lists, by the same names", () => {
  const line = /^flags\s*:\s*(.*)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))![1];
  const listed = new Set(line.split(/\s+/));
  const { flags, signature } = cpuid()!;
  expect(flags.length).toBeGreaterThan(0);
  expect(flags.filter((flag) => !listed.has(flag))).toEqual([]);
  const named = ["sse4_1", "avx", "f16c", "fma", "avx2", "avx512f", "avx512bw", "avx512vl", "avx512_vnni", "avx_vnni"];
  expect([...flags].sort()).toEqual(expect.arrayContaining(named.filter((flag) => listed.has(flag))));
  expect(cpuFeatures()).toEqual([...flags].sort());
  const family = Number(/^cpu family\s*:\s*(\d+)$/m.exec(readFileSync("/proc/cpuinfo", "utf8"))![1]);
  const code = Number.parseInt(signature, 16);
  expect(((code >> 8) & 15) + ((code >> 20) & 255)).toBe(family);
});

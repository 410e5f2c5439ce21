import { readFileSync } from "node:fs";
import { arch, cpus } from "node:os";
import { cpuid } from "./cpuid.js";

/** Instruction sets that decide which kernels run and how weights are packed. */
const RELEVANT = new Set([
  ...["sse4_1", "avx", "f16c", "fma", "avx2", "avx_vnni", "avx512f", "avx512bw", "avx512vl", "avx512_vnni"],
  ...["avx512_bf16", "amx_int8", "amx_tile", "asimd", "asimddp", "i8mm", "bf16", "sve"],
]);

let features: string[] | undefined;

/**
 * The CPU's relevant instruction sets, sorted: as the instruction CPUID tells them, by which ONNX Runtime chooses too, else
 * as the system lists them; where neither tells (macOS, Windows), the CPU's model name.
 */
export function cpuFeatures(): string[] {
  features ??= findFeatures();
  return features;
}

function findFeatures(): string[] {
  const told = cpuid()?.flags.filter((flag) => RELEVANT.has(flag));
  if (told && told.length > 0) return told.sort();
  try {
    const info = readFileSync("/proc/cpuinfo", "utf8");
    const flags = /^(?:flags|Features)\s*:\s*(.*)$/m.exec(info)?.[1].split(/\s+/) ?? [];
    const found = flags.filter((flag) => RELEVANT.has(flag));
    if (found.length > 0) return [...new Set(found)].sort();
  } catch {
    // Not Linux.
  }
  return [`${arch()} ${cpuModel()}`];
}

/** Tells CPUs of the same instruction sets apart: CPUID's family and model, else the model's name. */
export function cpuIdentity(): string {
  return cpuid()?.signature ?? cpuModel();
}

export function cpuModel(): string {
  return cpus()[0]?.model.trim() ?? "unknown";
}

import koffi from "koffi";
import { ort } from "./ort-library.js";

/** CPUID's registers in struct cpuid_feature of glibc's sys/platform/x86.h, after four that tell what the CPU has: usable. */
const USABLE = 4;
const [EAX, EBX, ECX, EDX] = [0, 1, 2, 3];
/** Indices of CPUID's leaves 1, 7 and 7.1 there. */
const [LEAF_1, LEAF_7, LEAF_7_1] = [0, 1, 6];

/** Where each flag stands, by its name in /proc/cpuinfo (Intel SDM, volume 2, CPUID). */
const FLAGS: Readonly<Record<string, readonly [leaf: number, register: number, bit: number]>> = {
  fma: [LEAF_1, ECX, 12],
  sse4_1: [LEAF_1, ECX, 19],
  avx: [LEAF_1, ECX, 28],
  f16c: [LEAF_1, ECX, 29],
  avx2: [LEAF_7, EBX, 5],
  avx512f: [LEAF_7, EBX, 16],
  avx512bw: [LEAF_7, EBX, 30],
  avx512vl: [LEAF_7, EBX, 31],
  avx512_vnni: [LEAF_7, ECX, 11],
  amx_tile: [LEAF_7, EDX, 24],
  amx_int8: [LEAF_7, EDX, 25],
  avx_vnni: [LEAF_7_1, EAX, 4],
  avx512_bf16: [LEAF_7_1, EAX, 5],
};

export interface Cpuid {
  /** Family, model and stepping, as leaf 1 codes them. */
  signature: string;
  flags: string[];
}

let told: Cpuid | undefined | null = null;

/**
 * What CPUID tells this process, through glibc 2.33 or later on x86; undefined elsewhere. An emulator or a sandbox may
 * answer CPUID otherwise than /proc/cpuinfo says, and ONNX Runtime chooses its kernels by CPUID.
 */
export function cpuid(): Cpuid | undefined {
  if (told === null) told = ask();
  return told;
}

function ask(): Cpuid | undefined {
  if (process.platform !== "linux" || process.arch !== "x64") return undefined;
  try {
    ort(); // koffi takes its settings before its first use only, and they are made there
    const leafOf = koffi.load("libc.so.6").func("void *__x86_get_cpuid_feature_leaf(uint32_t leaf)");
    const registers = new Map<number, number[]>();
    for (const leaf of [LEAF_1, LEAF_7, LEAF_7_1]) {
      registers.set(leaf, koffi.decode(leafOf(leaf), koffi.array("uint32_t", 8)));
    }
    const flags = Object.entries(FLAGS)
      .filter(([, [leaf, register, bit]]) => (registers.get(leaf)![USABLE + register] >>> bit) & 1)
      .map(([name]) => name);
    return { signature: registers.get(LEAF_1)![EAX].toString(16), flags };
  } catch {
    return undefined; // an older glibc, or another C library
  }
}

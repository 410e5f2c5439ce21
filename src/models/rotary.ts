import type { ModelConfig } from "../types/model-config.js";

/** Cosines and sines of rotary positions, each [positions, headDim / 2]. */
export interface RotaryTables {
  cos: Float32Array;
  sin: Float32Array;
}

/**
 * Tables for positions 0 .. positions-1. Angles are products in 32-bit floats, as transformers computes them: at
 * position 8000 a 64-bit product would differ by up to 5e-4.
 */
export function rotaryTables(config: ModelConfig, positions: number): RotaryTables {
  const frequencies = inverseFrequencies(config);
  const length = positions * frequencies.length;
  const tables = { cos: new Float32Array(length), sin: new Float32Array(length) };
  fillRotary(tables, frequencies, 0, positions);
  return tables;
}

/** Writes the rows of positions `from` to `to` - 1 into tables that have room for them. */
export function fillRotary({ cos, sin }: RotaryTables, frequencies: Float32Array, from: number, to: number): void {
  const half = frequencies.length;
  for (let p = from; p < to; p++) {
    for (let i = 0; i < half; i++) {
      const angle = Math.fround(p * frequencies[i]);
      cos[p * half + i] = Math.cos(angle);
      sin[p * half + i] = Math.sin(angle);
    }
  }
}

/** theta^(-2i/headDim), scaled as the config asks. Llama 3's rule: transformers `_compute_llama3_parameters`. */
export function inverseFrequencies(config: ModelConfig): Float32Array {
  const half = config.headDim / 2;
  const frequencies = Float32Array.from({ length: half }, (_, i) =>
    Math.fround(1 / Math.fround(config.ropeTheta ** Math.fround((2 * i) / config.headDim))),
  );
  const scaling = config.ropeScaling;
  if (scaling === null) return frequencies;
  if (scaling.type === "linear") return frequencies.map((f) => f / scaling.factor);
  const { factor, lowFreqFactor, highFreqFactor, originalMaxPositionEmbeddings: context } = scaling;
  return frequencies.map((f) => {
    const wavelength = (2 * Math.PI) / f;
    if (wavelength < context / highFreqFactor) return f;
    if (wavelength > context / lowFreqFactor) return f / factor;
    const smooth = (context / wavelength - lowFreqFactor) / (highFreqFactor - lowFreqFactor);
    return ((1 - smooth) * f) / factor + smooth * f;
  });
}

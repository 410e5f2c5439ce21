import { isObject, type Json } from "../../files/json.js";
import type { TensorSource } from "../../formats/tensor-source.js";
import { CheckpointError } from "../../types/errors.js";
import type { ModelConfig } from "../../types/model-config.js";
import { escaped, shown } from "../../types/shown.js";

/** `quant_method` of config.json as the methods write their own names. */
const NAMES: Readonly<Record<string, string>> = {
  gptq: "GPTQ",
  awq: "AWQ",
  aqlm: "AQLM",
  hqq: "HQQ",
  eetq: "EETQ",
  exl2: "EXL2",
  exl3: "EXL3",
  vptq: "VPTQ",
  fp8: "FP8",
  fbgemm_fp8: "FP8 (FBGEMM)",
  mxfp4: "MXFP4",
  quip: "QuIP",
  spqr: "SpQR",
};

/** Tensors that only quantised layers have: packed weights, scales, zero points, orders, codebooks. */
const PARTS =
  /\.(qweight|qzeros|q_weight|q_scale.*|q_invperm|g_idx|scales|biases|weight_packed|weight_scale(_inv)?|weight_scale_2|weight_shape|input_scale|SCB|absmax|quant_map|weight\.(absmax|quant_map|quant_state\..*)|codes|codebooks|W_q|trellis)$/;

/** A weight that every method quantises. */
const WITNESS = "model.layers.0.self_attn.q_proj.weight";

/**
 * Refuses a checkpoint whose weights are quantised already. One that only asks to be quantised when it is loaded, its
 * weights being whole, is fine: then the return value says so.
 * @param json config.json
 * @throws CheckpointError naming the method
 */
export function refuseQuantised(
  json: Json,
  config: ModelConfig,
  source: TensorSource,
  directory: string,
): string | undefined {
  const method = methodOf(json);
  let part: string | undefined;
  for (const name of source.names()) if (PARTS.test(name)) part ??= name;
  if (method === undefined && part === undefined) return undefined;
  if (part === undefined && isWhole(source, config)) {
    return `config.json asks for quantisation by ${method}, which is left out: the weights in ${escaped(directory)} are not quantised`;
  }
  const how = method === undefined ? `there is a tensor ${shown(part)}` : `by ${method}`;
  throw new CheckpointError(
    `${escaped(directory)} is quantised already (${how}), which is not read: download the unquantised checkpoint, it is quantised here by dtype`,
  );
}

function methodOf(json: Json): string | undefined {
  const said = [json.quantization_config, json.compression_config, json.quantization].find(isObject);
  if (!said) return undefined;
  const method = said.quant_method ?? said.quant_algo;
  const bits = [
    said.bits,
    said.w_bit,
    said.nbits,
    said.load_in_4bit === true ? 4 : said.load_in_8bit === true ? 8 : null,
  ];
  const width = bits.find((value) => typeof value === "number");
  const suffix = width === undefined ? "" : `, ${width} bits`;
  if (typeof method === "string") return `${NAMES[method.toLowerCase()] ?? escaped(method, 40)}${suffix}`;
  if (said.load_in_4bit !== undefined || said.load_in_8bit !== undefined) return `bitsandbytes${suffix}`;
  return json.quantization === undefined ? `a method that is not named${suffix}` : `MLX${suffix}`;
}

function isWhole(source: TensorSource, config: ModelConfig): boolean {
  try {
    const shape = source.info(WITNESS)?.shape ?? [];
    return shape.length === 2 && shape[0] === config.numHeads * config.headDim && shape[1] === config.hiddenSize;
  } catch {
    return false;
  }
}

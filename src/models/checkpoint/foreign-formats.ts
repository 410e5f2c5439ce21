import { basename } from "node:path";
import { CheckpointError } from "../../types/errors.js";
import { escaped } from "../../types/shown.js";

/** What a file that is not read is, and what to do about it. */
type Format = readonly [name: RegExp, what: string, todo: string];

const ASK_SAFETENSORS = "download the model's config.json and safetensors instead";
const SAVE = "load it in the library that wrote it and save it as model.safetensors (save_pretrained)";

/** Files that other programs keep models in. The first that a folder holds names it. */
const FORMATS: readonly Format[] = [
  [/\.(gguf|ggml|llamafile)$/i, "the format of llama.cpp", ASK_SAFETENSORS],
  [
    /^adapter_(config\.json|model\.(safetensors|bin))$/,
    "a LoRA adapter (PEFT), which is no model without its base",
    "merge it into the base (merge_and_unload, then save_pretrained) and give that folder",
  ],
  [
    /^(consolidated.*\.(pth|safetensors)|params\.json)$/,
    "the format of Meta's and Mistral's own programs",
    "download the version for transformers (config.json and model.safetensors), or convert it",
  ],
  [/^medusa_lm_head\./, "a file of Medusa heads", "load their base model and give this folder as its heads (--heads)"],
  [/^qmodel\.pt$/, "a model quantised by HQQ", ASK_SAFETENSORS],
  [/^(tf_model.*\.h5|.*\.ckpt(\..*)?|saved_model\.pb)$/, "TensorFlow's format", SAVE],
  [/^flax_model.*\.(msgpack|json)$/, "Flax's format", SAVE],
  [/^(rust_model\.ot|.*\.mlmodel|.*\.mlpackage)$/, "another library's format", ASK_SAFETENSORS],
  [/\.(onnx|tflite|engine)$|^openvino_model/, "a model exported for another runtime", ASK_SAFETENSORS],
  [/\.npz$/, "the format of NumPy and old MLX versions", ASK_SAFETENSORS],
  [/^(zero_to_fp32\.py|global_step\d+)$/, "the state of a DeepSpeed run", "run zero_to_fp32.py and save the result"],
  [/\.distcp$/, "the state of an FSDP run", SAVE],
  [/^snapshots$/, "a folder of the Hugging Face cache", "give the folder inside snapshots"],
  [/^model_index\.json$/, "a pipeline of several models", "give the folder of its language model"],
  [
    /^(model|pytorch_model)-\d+-of-\d+\./,
    "a shard whose index is missing",
    "download the .index.json that belongs to it",
  ],
  [/\.safetensors$/, "under a name that is not looked for", "rename it to model.safetensors if it is the model"],
  [/\.(bin|pt|pth|pkl|pickle)$/, "under a name that is not looked for", SAVE],
];

/**
 * For a folder without weights that are read.
 * @throws CheckpointError that says what it holds instead, where that is known
 */
export function refuseForeign(directory: string, names: readonly string[]): void {
  for (const [pattern, what, todo] of FORMATS) {
    const name = names.find((candidate) => pattern.test(candidate));
    if (name === undefined) continue;
    throw new CheckpointError(
      `${escaped(directory)} has no model.safetensors or pytorch_model.bin: found ${escaped(name, 80)}, ${what}: ${todo}`,
    );
  }
}

/** What a path that is a file, not a folder, is for the end of an error. */
export function fileInsteadOfFolder(path: string): string {
  const name = basename(path);
  if (/^(model|pytorch_model)\b.*\.(safetensors|bin)$|^config\.json$/.test(name)) return "give the folder it is in";
  const format = FORMATS.find(([pattern]) => pattern.test(name));
  return format ? `it is a file, ${format[1]}: ${format[2]}` : "give a folder with config.json and model.safetensors";
}

/** Tokenizers as their own libraries keep them, which transformers turns into a tokenizer.json. */
const OTHER_TOKENIZERS = ["tokenizer.model", "spiece.model", "tekken.json", "merges.txt", "vocab.txt"];

/** @throws CheckpointError for a tokenizer in another format where there is no tokenizer.json */
export function refuseOtherTokenizer(directory: string, names: readonly string[]): void {
  const other = OTHER_TOKENIZERS.find((name) => names.includes(name));
  if (other === undefined || names.includes("tokenizer.json")) return;
  throw new CheckpointError(
    `${escaped(directory)} has ${other} but no tokenizer.json, which is what is read: make one in Python with transformers' AutoTokenizer.from_pretrained(DIR).save_pretrained(DIR), or move it away to load without text`,
  );
}

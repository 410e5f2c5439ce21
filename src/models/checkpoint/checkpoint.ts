import { readdir, stat } from "node:fs/promises";
import { join } from "node:path";
import { readJson } from "../../files/json.js";
import { noDirectory } from "../../files/no-directory.js";
import { openRegular, unreadable } from "../../files/regular-file.js";
import type { TensorSource } from "../../formats/tensor-source.js";
import { hasWeights, openWeights } from "../../formats/weight-files.js";
import { CheckpointError } from "../../types/errors.js";
import type { ModelConfig } from "../../types/model-config.js";
import { escaped } from "../../types/shown.js";
import { architectureOf } from "../architectures.js";
import { ConfigFields } from "../config-fields.js";
import { EAGLE3, isEagleConfig } from "../eagle/eagle-config.js";
import { fileInsteadOfFolder, refuseForeign, refuseOtherTokenizer } from "./foreign-formats.js";
import { hasOwnHead } from "./own-head.js";
import { refuseQuantised } from "./quantised-checkpoint.js";
import { EMBEDDING, withModelNames } from "./tensor-names.js";

export interface Checkpoint {
  directory: string;
  config: ModelConfig;
  source: TensorSource;
}

/** Files that others read later; what is wrong with them as files is said before any work. */
const TEXT_FILES = ["tokenizer.json", "tokenizer_config.json", "chat_template.jinja"];

/**
 * Opens a Hugging Face checkpoint directory: config.json, generation_config.json if there, and the weights as
 * model.safetensors or pytorch_model.bin, whole or as shards. Reads headers only, and the head where it should be tied.
 * @param digestMemo folder that remembers digests of files, so that later loads do not read them whole
 * @param onWarning told in one line what is unusual about the checkpoint and how it is taken
 * @throws CheckpointError naming the file and tensor
 */
export async function openCheckpoint(
  directory: string,
  digestMemo?: string,
  onWarning: (message: string) => void = () => {},
): Promise<Checkpoint> {
  const names = await filesIn(directory);
  const configPath = join(directory, "config.json");
  if (!hasWeights(names)) refuseForeign(directory, names);
  const json = await readJson(configPath);
  const generationPath = join(directory, "generation_config.json");
  const generation = names.includes("generation_config.json") ? await readJson(generationPath) : undefined;
  for (const name of TEXT_FILES) if (names.includes(name)) await (await openRegular(join(directory, name))).close();
  refuseOtherTokenizer(directory, names);
  const modelType = isEagleConfig(json) ? EAGLE3 : new ConfigFields(json, configPath).text("model_type");
  const config = architectureOf({ modelType }).parseConfig(json, generation, configPath);
  const files = await openWeights(directory, names, [configPath], digestMemo);
  try {
    const source = withModelNames(files, config.tieWordEmbeddings);
    const left = refuseQuantised(json, config, source, directory);
    if (left) onWarning(left);
    if (names.includes("adapter_config.json")) {
      onWarning(`the adapter in ${escaped(directory)} is not applied: merge it into the model to use it`);
    }
    checkSizes(config, source, configPath);
    if (!config.tieWordEmbeddings || !(await hasOwnHead(source, digestMemo))) return { directory, config, source };
    onWarning(
      `${escaped(configPath)} says tie_word_embeddings, but the weights hold an lm_head of their own, which is used: set it to false to say so`,
    );
    return { directory, config: { ...config, tieWordEmbeddings: false }, source };
  } catch (error) {
    await files.close();
    throw error;
  }
}

async function filesIn(directory: string): Promise<string[]> {
  const info = await stat(directory).catch(() => undefined);
  if (!info?.isDirectory()) {
    if (!info) throw noDirectory(directory);
    throw new CheckpointError(`no checkpoint directory at ${escaped(directory)}: ${fileInsteadOfFolder(directory)}`);
  }
  return readdir(directory).catch((error) => {
    throw unreadable(directory, error);
  });
}

/** Sizes that memory would be taken for before a tensor is looked at. */
function checkSizes(config: ModelConfig, source: TensorSource, configPath: string): void {
  let layers = 0;
  for (const name of source.names()) {
    const layer = /^model\.layers\.(\d{1,9})\./.exec(name);
    if (layer) layers = Math.max(layers, Number(layer[1]) + 1);
  }
  if (config.numLayers > layers) {
    throw new CheckpointError(
      `${escaped(configPath)}: num_hidden_layers is ${config.numLayers}, but the weights have ${layers} layers: they do not belong together`,
    );
  }
  const rows = source.info(EMBEDDING)?.shape[0];
  if (rows === undefined || rows === config.vocabSize) return;
  throw new CheckpointError(
    `${escaped(configPath)}: vocab_size is ${config.vocabSize}, but ${EMBEDDING} has ${rows} rows: they do not belong together`,
  );
}

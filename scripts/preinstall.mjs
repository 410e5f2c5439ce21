// Runs when Foretoken is installed as a dependency, before the install scripts of its own dependencies.
//
// On Linux (x64) onnxruntime-node's script downloads CUDA libraries from nuget.org, which Foretoken never loads: hundreds
// of megabytes, and an install that fails where that host cannot be reached. It leaves alone what is there already:
// empty files in their places are enough. Not where the project itself depends on onnxruntime-node or says what to install.
import { readFileSync, writeFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join, sep } from "node:path";
import { fileURLToPath } from "node:url";

const LIBRARIES = ["cuda", "shared", "tensorrt"].map((name) => `libonnxruntime_providers_${name}.so`);

const here = fileURLToPath(import.meta.url);
const { env } = process;
const asked = Object.keys(env).some((name) => /^(npm_config_)?onnxruntime_node_install/i.test(name));
if (here.includes(`${sep}node_modules${sep}`) && `${process.platform}-${process.arch}` === "linux-x64" && !asked) {
  try {
    if (!projectWants("onnxruntime-node")) fillPlaces();
  } catch {
    // onnxruntime-node's own script goes on as it would without this one.
  }
}

function fillPlaces() {
  const folder = dirname(createRequire(here).resolve("onnxruntime-node/package.json"));
  for (const name of LIBRARIES) {
    try {
      writeFileSync(join(folder, "bin", "napi-v6", "linux", "x64", name), "", { flag: "wx" });
    } catch (error) {
      if (error.code !== "EEXIST") throw error;
    }
  }
}

function projectWants(name) {
  const root = env.npm_config_local_prefix ?? env.INIT_CWD;
  const project = JSON.parse(readFileSync(join(root, "package.json"), "utf8"));
  return ["dependencies", "devDependencies", "optionalDependencies"].some((kind) => project[kind]?.[name]);
}

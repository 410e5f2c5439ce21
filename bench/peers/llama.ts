import { execFile } from "node:child_process";
import { join } from "node:path";

/** One output of llama.cpp. */
export interface LlamaOutput {
  text: string;
  promptTokens: number;
  /** What reading the prompt took; plain decoding alone says it. */
  promptMs?: number;
  /** Of decoding alone, as the tool says itself. */
  tokensPerSecond: number;
}

export interface LlamaRun {
  /** Folder of llama.cpp's tools. */
  bin: string;
  gguf: string;
  threads: number;
  maxNewTokens: number;
  /** Flags of speculation; plain decoding without. */
  speculation?: readonly string[];
}

/** Greedy decoding in a process of its own, loading not counted. @throws Error where the tool's report cannot be read */
export async function runLlama(prompt: string, run: LlamaRun): Promise<LlamaOutput> {
  const { bin, gguf, threads, maxNewTokens, speculation } = run;
  // As an argument: of a file the tools drop the last newline.
  const common = ["-m", gguf, "--no-escape", "-p", prompt, "-t", `${threads}`, "-n", `${maxNewTokens}`, "-c", "1024"];
  const greedy = ["--temp", "0", "--top-k", "1", "--ignore-eos"];
  const tool = speculation ? "llama-speculative-simple" : "llama-completion";
  const own = speculation ?? ["-no-cnv", "--no-display-prompt"];
  const { stdout, stderr } = await output(join(bin, tool), [...common, ...greedy, ...own]);
  return speculation ? ofSpeculation(stdout, stderr) : ofCompletion(stdout, stderr);
}

function ofSpeculation(stdout: string, stderr: string): LlamaOutput {
  const all = stdout + stderr;
  return {
    text: stdout,
    promptTokens: numberIn(all, /encoded\s+(\d+) tokens/),
    tokensPerSecond: numberIn(all, /decoded\s+\d+ tokens in\s+[\d.]+ seconds, speed:\s+([\d.]+)/),
  };
}

function ofCompletion(stdout: string, stderr: string): LlamaOutput {
  const all = stdout + stderr;
  return {
    text: stdout,
    promptTokens: numberIn(all, /prompt eval time =\s+[\d.]+ ms \/\s+(\d+) tokens/),
    promptMs: numberIn(all, /prompt eval time =\s+([\d.]+) ms/),
    tokensPerSecond: numberIn(all, /\beval time =\s+[\d.]+ ms \/\s+\d+ runs\s+\([^)]*?([\d.]+) tokens per second/),
  };
}

function numberIn(text: string, pattern: RegExp): number {
  const found = pattern.exec(text);
  if (!found) throw new Error(`llama.cpp's report lacks ${pattern}; it ends: ${text.slice(-300)}`);
  return Number(found[1]);
}

function output(file: string, args: readonly string[]): Promise<{ stdout: string; stderr: string }> {
  return new Promise((resolve, reject) => {
    execFile(file, args, { maxBuffer: 1 << 26 }, (error, stdout, stderr) => {
      if (error) reject(new Error(`${file} failed: ${stderr.slice(-400)}`));
      else resolve({ stdout, stderr });
    });
  });
}

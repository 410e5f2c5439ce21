/** Runs one command line after another in this process: what each printed and its exit code go to the parent. */
import { main } from "../../dist/cli/main.js";

// Every call listens for errors of standard output.
process.stdout.setMaxListeners(0);

process.on("message", async (args) => {
  const result = { code: 0, stdout: "", stderr: "" };
  for (const name of ["stdout", "stderr"]) {
    process[name].write = (text, ...rest) => {
      result[name] += text;
      rest.find((argument) => typeof argument === "function")?.();
      return true;
    };
  }
  process.exitCode = 0;
  await main(args);
  result.code = process.exitCode;
  process.send(result);
});
process.on("disconnect", () => process.exit(0));

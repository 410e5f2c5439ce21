#!/usr/bin/env node
import { existsSync } from "node:fs";

const built = new URL("../dist/cli/main.js", import.meta.url);
if (existsSync(built)) {
  const { main } = await import(built.href);
  await main(process.argv.slice(2));
} else {
  process.stderr.write("foretoken: dist/ is not built: run npm ci, which builds it, or npm run build\n");
  process.exitCode = 1;
}

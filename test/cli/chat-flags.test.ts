import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, describe, expect, it } from "vitest";
import { foretoken } from "../support/cli.js";

const folder = mkdtempSync(join(tmpdir(), "foretoken-flags-"));
afterAll(() => rmSync(folder, { recursive: true }));

const file = (name: string, text: string) => {
  writeFileSync(join(folder, name), text);
  return join(folder, name);
};

const TEMPLATE = "{{ raise_exception(tools | tojson ~ thinking ~ effort ~ messages[0].content) }}";

describe("flags of the chat template", () => {
  it("reach it", async () => {
    const flags = [
      "--tools",
      file("tools.json", '[{"type": "function"}]'),
      "--chat-template",
      file("t.jinja", TEMPLATE),
    ];
    flags.push("--template-var", "thinking=false", "--template-var", "effort=high");
    const said = '[{"type": "function"}]FalsehighHi';
    const generate = await foretoken(["generate", "Hi", "--chat", ...flags]);
    expect(generate).toMatchObject({ code: 2, stdout: "" });
    expect(generate.stderr).toContain(said);
    const chat = await foretoken(["chat", ...flags], { stdin: "Hi\n" });
    expect(chat.stderr).toContain(said);
  });

  it("are refused where they have no use or no sense", async () => {
    const [plain, list, variable] = await Promise.all([
      foretoken(["generate", "Hi", "--template-var", "a=1"]),
      foretoken(["generate", "Hi", "--chat", "--tools", file("no.json", "{}")]),
      foretoken(["generate", "Hi", "--chat", "--template-var", "a"]),
    ]);
    expect(plain).toMatchObject({ code: 2 });
    expect(plain.stderr).toContain("--template-var is for the chat template: add --chat");
    expect(list.stderr).toContain("must hold a JSON list of tools");
    expect(variable.stderr).toContain('--template-var must be NAME=VALUE, got "a"');
  });
});

import { describe, expect, it } from "vitest";
import { ForetokenError } from "../../../../src/index.js";
import { ChatTemplates } from "../../../../src/tokenizer/chat-template.js";

const MESSAGES = [{ role: "user", content: "Hi" }];
const render = (template: string) => new ChatTemplates(template, {}).render(MESSAGES);

const each = (body: string, count = 100_000) => `{% for i in range(${count}) %}${body}{% endfor %}`;
const list = "{% set l = range(100000) | list %}";
const text = "{% set t = 'ab ' * 1000000 %}";
const shared = (first: string, times: number) =>
  `{% set a = [${first}] %}{% set b = [${first}] %}${"{% set a = [a, a, a, a, a, a, a, a] %}{% set b = [b, b, b, b, b, b, b, b] %}".repeat(times)}`;

/** Each would take for ever, all memory or all stack. */
const HOSTILE: Record<string, string> = {
  "a huge range": "{% for i in range(10 ** 9) %}x{% endfor %}",
  "nested loops": each(each(each("", 3000), 3000), 3000),
  "loops that print": each(each("xxxxxxxxxxxxxxxxxxxxxxxxx")),
  "a block that collects": `{% set x %}${each(each("xxxxxxxxxx"))}{% endset %}`,
  "a filter block": `{% filter upper %}${each(each("xxxxxxxxxx"))}{% endfilter %}`,
  "doubling text":
    "{% set ns = namespace(x='aaaaaaaaaa') %}{% for i in range(60) %}{% set ns.x = ns.x ~ ns.x %}{% endfor %}",
  "doubling lists": `{% set a = [1] %}${"{% set a = a + a %}".repeat(40)}`,
  "repeated text": "{{ 'a' * 10 ** 9 }}",
  "repeated lists": "{% set x = [1] * 10 ** 9 %}",
  "a shared tree printed": `${shared("'x'", 30)}{{ a }}`,
  "a shared tree as JSON": `${shared("'x'", 30)}{{ a | tojson }}`,
  "shared trees compared": `${shared("1", 30)}{{ a == b }}`,
  "shared trees ordered": `${shared("1", 30)}{{ a < b }}`,
  "indented JSON": "{{ [[[[1]]]] | tojson(indent=10 ** 8) }}",
  "wide indent": "{{ 'a' | indent(10 ** 9, first=true) }}",
  "wide center": "{{ 'a' | center(10 ** 9) }}",
  "wide zfill": "{{ 'a'.zfill(10 ** 9) }}",
  "wide format": "{{ '{:>1000000000}'.format('a') }}",
  "wide %": "{{ '%1000000000d' % 1 }}",
  "replace by much": `${text}{{ t | replace('a', t) }}`,
  "replace nothing by much": `${text}{{ t.replace('', t) }}`,
  "join by much": "{{ range(100000) | join('x' * 100000) }}",
  "batch filled up": "{{ [1] | batch(10 ** 9, 0) | list | length }}",
  "many slices": "{{ [1] | slice(10 ** 9) | list | length }}",
  "a loop in itself": "{% for i in [1] recursive %}{{ loop([1]) }}{% endfor %}",
  "a loop in itself twice": "{% for i in [1, 1] recursive %}{{ loop([1, 1]) if loop.depth < 60 }}{% endfor %}",
  "a macro that calls itself": "{% macro m() %}{{ m() }}{% endmacro %}{{ m() }}",
  "a macro that calls itself twice": "{% macro m(n) %}{{ m(n - 1) if n }}{{ m(n - 1) if n }}{% endmacro %}{{ m(60) }}",
  "a default that calls its macro": "{% macro m(a=m()) %}{% endmacro %}{{ m() }}",
  "call blocks within themselves": "{% macro m() %}{% call m() %}{{ caller() }}{% endcall %}{% endmacro %}{{ m() }}",
  "a namespace in itself": "{% set ns = namespace() %}{% set ns.a = [ns] %}{{ ns.a }}",
  "lists in lists": `{% set ns = namespace(l=[]) %}${each("{% set ns.l = [ns.l] %}")}{{ ns.l | tojson }}`,
  "many brackets": `{{ ${"(".repeat(20_000)}1${")".repeat(20_000)} }}`,
  "many lists": `{{ ${"[".repeat(20_000)}${"]".repeat(20_000)} }}`,
  "many tests": `{{ ${"1 is eq(".repeat(12_000)}1${")".repeat(12_000)} }}`,
  "many signs": `{{ ${"- ".repeat(30_000)}1 }}`,
  "many comparisons in brackets": `{{ ${"(".repeat(15_000)}1${" < 1)".repeat(15_000)} }}`,
  "many withs": "{% with %}".repeat(9000),
  "many tuples": `{{ ${"(".repeat(20_000)}${",)".repeat(20_000)} }}`,
  "many ifs": "{% if true %}".repeat(9000),
  "a long sum": `{{ ${"1 + ".repeat(20_000)}1 }}`,
  "many filters": `{{ 'a'${" | upper".repeat(14_000)} }}`,
  "many openings": "{{ ".repeat(40_000),
  "open comments": "{#".repeat(60_000),
  "a huge template": "x".repeat(10_000_000),
  "white space without end": `${" ".repeat(131_000)}{{-`,
  "an exponent": "{{ 9 ** 9 ** 9 ** 9 }}",
};

/** Each is slow work on much text or a long list, again and again. */
const LABOUR: Record<string, string> = {
  ...Object.fromEntries(
    [
      "t | upper",
      "t.upper()",

      "t.count('zz')",
      "t.strip()",
      "t[5]",
      "t | title",
    ]
      .concat([
        "t | wordcount",

        "t.split(' ')",

        "t | truncate(9)",
        "'zz' in t",
        "t == t ~ ''",
      ])
      .concat([
        "t | replace('a', 'b')",

        "t | indent",

        "t[::-1]",
        "t | tojson",
        "[t] | string",
      ])
      .map((work) => [work, `${text}${each(`{% set x = ${work} %}`)}`]),
  ),
  ...Object.fromEntries(
    [
      "l | sort",
      "l | tojson",

      "l | map('string') | list",
      "l | select('odd') | list",
      "l | unique | list",
    ]
      .concat([
        "l.count(5)",

        "-1 in l",
        "l[::-1]",

        "l | groupby('x')",

        "range(100000)",
      ])
      .map((work) => [work, `${list}${each(`{% set x = ${work} %}`)}`]),
  ),
  "spread arguments": `{% macro m() %}{% endmacro %}${list}${each("{{ m(*l) }}")}`,
  emoji: `{% set t = '🙂' * 1000000 %}${each("{% set x = t[5] %}")}`,
  "a growing dict": `{% set ns = namespace(d={}) %}${each("{% set ns.d = dict(ns.d, **{'k' ~ i: i}) %}")}`,
  dates: each("{{ strftime_now('%c' * 500) }}"),
};

describe.each([
  ["hostile", HOSTILE],
  ["laborious", LABOUR],
])("a %s template", (_, templates) => {
  it.each(Object.entries(templates))("%s: an error in words, within a second and 200 MB", (_, template) => {
    const before = process.resourceUsage();
    expect(() => render(template)).toThrow(ForetokenError);
    const after = process.resourceUsage();
    // Processor time: other processes of the machine do not count.
    expect(after.userCPUTime - before.userCPUTime).toBeLessThan(1_000_000);
    expect((after.maxRSS - before.maxRSS) / 1024).toBeLessThan(200);
  });
});

describe("a template from a stranger", () => {
  it.each([
    "{{ ''.constructor.constructor('return 1')() }}",
    "{{ messages['constructor']['constructor']('return 1')() }}",
    "{{ messages.__proto__.polluted }}{{ messages[0].__proto__.polluted }}",
    "{{ range.constructor('return 1')() }}",
    "{{ raise_exception.call.call() }}",
    "{{ 'x' | constructor }}",
    "{{ 'x' | __proto__ }}",
    "{{ 'x' is constructor }}",
    "{{ 'x'.hasOwnProperty('y') }}",
    "{{ [1] | map('constructor') | list }}",
    "{% set ns = namespace() %}{% set ns.__proto__ = messages[0] %}",
    "{{ namespace(__proto__=1) }}",
    "{{ '{0.constructor.constructor}'.format('x') }}",
    "{{ globalThis.process }}",
    "{{ this.constructor.constructor }}",
  ])("finds nothing of JavaScript's: %s", (template) => {
    expect(() => render(template)).toThrow(ForetokenError);
  });

  it("changes no prototype and no message", () => {
    const message: Record<string, unknown> & { role: string } = { role: "user", content: "Hi" };
    const template =
      "{% set d = dict(**{'__proto__': {'polluted': 1}}) %}{% for __proto__ in [{'polluted': 1}] %}{% set constructor = 1 %}{% endfor %}{{ d['__proto__']['polluted'] }}{{ d.polluted is defined }}";
    expect(new ChatTemplates(template, {}).render([message])).toBe("1False");
    expect(({} as Record<string, unknown>).polluted).toBeUndefined();
    expect(message).toEqual({ role: "user", content: "Hi" });
    const hostile = JSON.parse('[{"role": "user", "__proto__": {"polluted": 1}, "content": "x"}]');
    expect(new ChatTemplates("{{ messages[0]['__proto__'].polluted }}", {}).render(hostile)).toBe("1");
  });

  it("reads a long chain of elif without nesting", () => {
    expect(render(`{% if false %}${"{% elif false %}".repeat(2000)}{% else %}x{% endif %}`)).toBe("x");
  });

  it("leaves long conversations alone", () => {
    const template =
      "{% for m in messages %}{% if m.role == 'user' %}<u>{{ m.content | trim }}{% else %}<a>{{ m.content.strip() + '</s>' }}{% endif %}{% endfor %}";
    const turns = Array.from({ length: 5000 }, (_, i) => ({
      role: i % 2 ? "assistant" : "user",
      content: "word ".repeat(200),
    }));
    const before = process.cpuUsage();
    expect(new ChatTemplates(template, {}).render(turns)).toHaveLength(5000 * (999 + 3) + 2500 * 4);
    expect(process.cpuUsage(before).user).toBeLessThan(2_000_000);
  });
});

"""Renders small templates with transformers' own renderer. Run: python make_chat_templates_oracle.py (transformers 5.24.0, jinja2 3.1.6)."""

import json
import os

from transformers.utils.chat_template_utils import _normalize_chat_messages, render_jinja_template

TOOLS = [
    {"type": "function", "function": {"name": "weather", "description": "Weather <now>, é", "parameters": {
        "type": "object", "properties": {"city": {"type": "string"}, "days": {"type": "integer", "default": 1}}, "required": ["city"]}}},
]


def user(content):
    return {"role": "user", "content": content}


def assistant(content, **fields):
    return {"role": "assistant", "content": content, **fields}


SYSTEM = {"role": "system", "content": "Be terse.\n"}
CALL = {"id": "a1", "type": "function", "function": {"name": "weather", "arguments": {"city": "Rome", "days": 2, "x": [1.5, None, True]}}}

CONVERSATIONS = {
    "user": {"messages": [user("Hi")]},
    "system": {"messages": [SYSTEM, user("  Hello \n"), assistant("<think>\nhm\n</think>\n\n  yes"), user("🙂 it's \"so\"")]},
    "no prompt": {"messages": [user("a"), assistant("b")], "options": {"add_generation_prompt": False}},
    "tools": {"messages": [user("Weather?"), assistant(None, tool_calls=[CALL]), {"role": "tool", "name": "weather", "content": "{\"t\": 21}"}], "tools": TOOLS},
    "parts": {"messages": [user([{"type": "text", "text": "What is "}, {"type": "image"}, {"type": "text", "text": "it's?"}])]},
    "empty": {"messages": [{"role": "system", "content": ""}, user(""), assistant(""), user("x")]},
    "documents": {"messages": [user("x")], "documents": [{"title": "T", "text": "a\nb"}], "variables": {"enable_thinking": False, "effort": "high"}},
    "reasoning": {"messages": [user("x"), assistant("y", reasoning="because"), user("z")]},
    "continue": {"messages": [user("x"), assistant("The answer ")], "options": {"continue_final_message": True, "add_generation_prompt": False}},
}

CHATS = {
    "chatml": "{% for m in messages %}<|im_start|>{{ m['role'] }}\n{{ m['content'] | trim }}<|im_end|>\n{% endfor %}{% if add_generation_prompt %}<|im_start|>assistant\n{% endif %}",
    "variables": "{{ bos_token }}{% if tools is none %}no tools{% else %}{{ tools | length }}{% endif %}|{{ documents is none }}|{{ enable_thinking is defined and enable_thinking is false }}|{{ effort | default('low') }}|{{ pad_token is defined }}\n{%- for m in messages %} {{ m.role }}:{{ m }}{% endfor %}",
    "tools": """{%- if tools %}
    {{- '<tools>' }}
    {%- for tool in tools %}
        {{- '\\n' ~ (tool | tojson) }}
        {%- for name, schema in tool.function.parameters.properties | items %}
            {{- '\\n  ' + name + (' (required)' if name in tool.function.parameters.required else ' = ' ~ schema.default) }}
        {%- endfor %}
    {%- endfor %}
    {{- '\\n</tools>\\n' }}
{%- endif %}
{%- for message in messages %}
    {%- set content = message.content if message.content is string else '' %}
    {%- if message.role == 'assistant' and message.tool_calls is defined and message.tool_calls %}
        {%- for call in message.tool_calls %}
            {{- call.function.name ~ '(' }}
            {%- for key in call.function.arguments %}
                {{- key ~ '=' ~ call.function.arguments[key] | tojson(indent=1, separators=(',', ':')) }}{{ ', ' if not loop.last }}
            {%- endfor %}
            {{- ')' }}
        {%- endfor %}
    {%- elif '</think>' in content %}
        {{- content.split('</think>')[-1].lstrip('\\n') }}
    {%- else %}
        {{- message.role }}: {{ content }}
    {%- endif %}
{% endfor %}""",
    "last user": """{%- set ns = namespace(last=-1, seen=false) %}
{%- for message in messages[::-1] %}
{%- set index = (messages | length - 1) - loop.index0 %}
{%- if not ns.seen and message.role == 'user' %}{% set ns.seen = true %}{% set ns.last = index %}{% endif %}
{%- endfor %}
{{- ns.last }}{% set systems = messages | selectattr('role', 'equalto', 'system') | list %}{{ systems | length }}
{%- if messages[0].role != 'system' %}{{ none | selectattr('x') | list | length }}{% endif %}""",
    "parts": """{%- macro text(content) -%}
{%- if content is string -%}{{ content }}
{%- elif content is iterable -%}
{%- for part in content %}{% if part.type == 'text' %}{{ part.text }}{% else %}<{{ part['type'] }}>{% endif %}{% endfor %}
{%- endif -%}
{%- endmacro -%}
{% for message in messages if message.content is defined %}[{{ text(message.content) }}]{% endfor %}""",
    "strings": "{% for m in messages %}{{ m.role + ': ' + m.content }}{% endfor %}",
    "roles": "{% for m in messages %}{% if (m.role == 'user') != (loop.index0 % 2 == 0) %}{{ raise_exception('roles must alternate, got ' ~ m.role) }}{% endif %}{{ m.content }}{% endfor %}",
    "generation": "{% for m in messages %}\n{% if m.role == 'assistant' %}\n{% generation %}\n{{ m.content }}</s>\n{% endgeneration %}\n{% else %}\n{{ m.content }}\n{% endif %}\n{% endfor %}",
    "reasoning": "{% for m in messages %}{% if m.reasoning_content %}<think>{{ m.reasoning_content }}={{ m.thinking }}</think>{% endif %}{{ m.content }}{% endfor %}",
}

EXPRESSIONS = [
    "{% set x = 0 %}{% for i in range(3) %}{% set x = x + 1 %}{{ x }}{% endfor %}{{ x }}",
    "{{ true }} {{ none }} {{ 1.0 }} {{ [1, 'a\\'b', none, true, 1.5] }} {{ {'a': 1, 2: 'x'} }} {{ (1, 2) }} {{ 10 / 4 }} {{ 7 // 2 }} {{ -7 % 3 }} {{ 2 ** 3 }} {{ 2 ** -1 }}",
    "{{ {0: 'off', 512: 'some'}[512] }} {% for k, v in {1: 'a', 0: 'b'} | dictsort %}{{ k }}{{ v }}{% endfor %}",
    "{{ x.constructor }}|{{ ''.__class__ }}|{{ x.__proto__ }}",
    "{{ 'a' is in ['a'] }}{{ 4 is divisibleby(2) }}{{ 4 is divisibleby 3 }}{{ 'x' is eq('x') }}{{ 1 is sameas true }}{{ 3 is not divisibleby(2) and 1 is odd }}",
    "{{ 'x' ~ none ~ true ~ 1.0 ~ [1] ~ undefined_name }}",
    "{{ '%s-%d-%05.1f' % ('a', 3, 2.25) }} {{ '%s'|format(1) }} {{ '<{}>{}'.format('a', 1) }} {{ '{:>5}|{a[b]}|{1!r:}'.replace('{1!r:}', '{!r}').format('ab', 'c', a={'b': 2}) }} {{ '{:,}|{:.2f}|{:^7}|{:*<4}|{:x}'.format(1234567, 3.14159, 'mid', 'a', 255) }}",
    "{% macro m(a, b=2) %}{{ a }}{{ b }}{{ caller() if caller else '' }}{% endmacro %}{{ m(1) }}{{ m(1, b=3) }}{% call m(5) %}x{% endcall %}{{ m.name }}",
    "{% set v = 'top' %}{% macro show() %}{{ v }}{% endmacro %}{% for v in ['inner'] %}{{ show() }}{% endfor %}{% set v = 'later' %}{{ show() }}",
    "{{ 'é<'|tojson }}{{ {'b': 1, 'a': [1, {'c': none}]}|tojson(indent=2) }}{{ {'b': 1, 'a': 2}|tojson(sort_keys=true, separators=(',', ':')) }}{{ 'é\\x7f🙂'|tojson(ensure_ascii=true) }} {{ []|tojson(indent=1) }} {{ {1: 1.0, none: true}|tojson }}",
    "{{ 'hello world'|title }} {{ \"it's\"|title if false else '' }}{{ 'HELLO'|capitalize }} {{ \"it's\".title() }} {{ 'aBc'.swapcase() }} {{ 'x'.center(6, '*') }} {{ '7'.zfill(3) }}",
    "{{ 1 == true }} {{ '1' == 1 }} {{ [1] == [1] }} {{ none == false }} {{ {'a': [1]} == {'a': [1]} }} {{ '' == 0 }} {{ 1 == 1.0 }}",
    "{{ 'a'|int }} {{ '12.7'|int }} {{ 3.9|int }} {{ 'x'|float }} {{ 3.14159|round(2) }} {{ 2.5|round }} {{ 3.5|round }} {{ -2|abs }} {{ '0x1f'|int(base=16) }} {{ 'q'|int(5) }}",
    "{{ dict(a=1, **{'b': 2}) }} {{ namespace(a=1).a }} {{ range(3)|list }} {{ range(5, 0, -2)|list }} {{ {'a': 1}.keys()|list }} {{ {'a': 1}.get('b', 'no') }} {{ 'abc'|reverse }} {{ [1, 2]|reverse|list }}",
    "{{ [3, 1, 2]|sort }} {{ ['b', 'A', 'c']|sort }} {{ ['b', 'A', 'a']|unique|list }} {{ [{'n': 2}, {'n': 1}]|sort(attribute='n')|map(attribute='n')|join('-') }} {{ ['a', 'B']|map('upper')|list }} {{ [1, 2, 3]|select('odd')|list }} {{ [1, 2, 3]|reject('gt', 1)|list }} {{ [1, 2, 3]|sum }} {{ [4, 9]|max }} {{ [1, 2, 3]|batch(2)|list }}",
    "{% for a in [1, 2, 3] %}x{% if a == 2 %}{% break %}{% endif %}y{% endfor %}|{% for a in [1, 2, 3] %}x{% if a == 2 %}{% continue %}{% endif %}y{% endfor %}",
    "{% for a, b in {'x': 1}.items() %}{{ a }}{{ b }}{% else %}no{% endfor %}{% for a in [] %}{% else %}none{% endfor %}{% for a in undefined_name %}{% else %}empty{% endfor %}",
    "{% for a in 'abc' %}{{ loop.index }}{{ loop.revindex0 }}{{ loop.first }}{{ loop.last }}{{ loop.length }}{{ loop.previtem }}{{ loop.nextitem }}{{ loop.cycle('x', 'y') }}{{ loop.changed(1) }} {% endfor %}",
    "{{ [1, 2, 3][1:] }} {{ 'abc'[::-1] }} {{ [1, 2][5] }} {{ 'abc'[-1] }} {{ {'a': 1}[0] }} {{ '🙂a'[0] }} {{ '🙂a'|length }} {{ [1, 2, 3, 4][-3:-1] }}",
    "{% set x %}a{{ 1 }}{% endset %}{{ x|upper }}{% filter upper %}q{% endfilter %}{% raw %}{{ r }}{% endraw %}{% set a, b = 1, [2] %}{{ a }}{{ b }}",
    "{{ '\\d\\x41\\u00e9\\n\\101' }}{{ 'a' 'b' }}{{ \"it's\" }}{{ 'a                    b' }}",
    "{{ 1 if false }}|{{ (1 if false) is undefined }}|{{ none|default('d') }}|{{ none|default('d', true) }}|{{ undefined_name|default }}",
    "{{ 'a,b'.split(',') }} {{ ' a  b '.split() }} {{ 'a b c'.split(none, 1) }} {{ 'a-b-c'.rsplit('-', 1) }} {{ 'xxaxx'.strip('x') }} {{ '\\n\\n  x'.lstrip('\\n') }} {{ 'aab'.replace('a', 'b', 1) }} {{ 'a=b=c'.partition('=') }} {{ 'abc'.removeprefix('a') }} {{ 'a\\nb\\r\\n'.splitlines() }} {{ 'banana'.find('n') }} {{ 'banana'.count('an') }}",
    "{{ 'x' in undefined_name }} {{ 'b' in 'abc' }} {{ 1 in [1.0] }} {{ 'a' in {'a': 0} }} {{ 'a' not in ['b'] }}",
    "{{ 'abc'.startswith(('x', 'a')) }} {{ 'abc'.endswith('c') }} {{ '12'.isdigit() }} {{ 'Ab'.isupper() }} {{ ''.join(['a', 'b']) }} {{ '-'.join({'k': 1}) }}",
    "{{ 1.5e-7 }} {{ 2e3 }} {{ 1_000 }} {{ 0x1f }} {{ x[0]-1 }} {{ x.0 }} {{ 0.1 + 0.2 }} {{ 10 ** 20 }} {{ 1 / 3 }} {{ 100000.0 * 1000000000000 }} {{ 0.00001 * 1 }}",
    "{{ 'a\\nb\\n\\nc'|indent }}|{{ 'a\\nb'|indent(2, first=true) }}|{{ 'a\\n\\nb'|indent(width='> ', blank=true) }}|{{ 'a b c d e f'|truncate(6, leeway=0) }}|{{ 'one two'|wordcount }}",
    "{{ '<b>'|e }} {{ '<a>'|safe + '<b>' }} {{ '<a>'|safe ~ '<b>' }}",
    "{% if x | select('string') %}always{% endif %}{{ x | selectattr('a') | first is undefined }}",
    "  {% if true %}\n  kept\n  {% endif %}\n{# gone #}\n\t{%- if true %} a {%- endif %}\n{{ 1 }}\nend\n",
    "{%+ if true +%}\n  x{% endif +%}\n {{- 1 -}} \n y {#- c -#} z\r\nw",
    "{{ [[1, 2], [3]] | map('join', '+') | list }} {{ ['a', none, ''] | select | list }} {{ [{'a': {'b': 1}}] | map(attribute='a.b') | list }} {{ [{'a': 1}, {}] | map(attribute='a', default=0) | list }}",
    "{{ x is iterable }}{{ x is sequence }}{{ x is mapping }}{{ 'a' is string }}{{ 1 is number }}{{ true is number }}{{ true is integer }}{{ 1.0 is float }}{{ none is none }}{{ x is callable }}{{ 'a' is lower }}",
    "{% set j = joiner('|') %}{% for i in [1, 2] %}{{ j() }}{{ i }}{% endfor %}{% set c = cycler('a', 'b') %}{{ c.next() }}{{ c.next() }}{{ c.current }}",
    "{% for k, g in [{'a': 1, 'b': 2}, {'a': 1, 'b': 3}] | groupby('a') %}{{ k }}:{{ g | map(attribute='b') | list }}{% endfor %}",
    "{{ not true or 1 and 'yes' }} {{ 1 if x else 2 }} {{ -x[0] }} {{ 'a' * 3 }} {{ [0] * 2 }} {{ [1] + [2] }} {{ 5 - -1 }}",
    "{{ () }} {{ ()|length }} {{ (1,) }} {{ (1, 2,) }} {{ ((), ((1,),)) }} {{ () == [] }} {{ () or 'empty' }} {{ [()] }} {{ {'a': ()} }} {{ ( ) + (1,) }} {{ ()|list }} {% if () %}x{% else %}y{% endif %}{% for i in () %}x{% endfor %}",
    "{% set a = () %}{{ a }}{% set (b, c) = (1, 2,) %}{{ b }}{{ c }}{% for (d,) in [[1], (2,)] %}{{ d }}{% endfor %}{% for (a, b) in [(1, 2)] %}{{ a }}{{ b }}{% endfor %}{{ '%s' % (3,) }}{{ 'abc'.startswith(('x', 'a',)) }}{{ range(3,)|list }}{{ 'a'.upper() }}{{ (x)[0] }}{{ (('a')).upper() }}",
    "{{ 1 < 2 < 3 }} {{ 1 < 3 < 2 }} {{ (1 < 3) < 2 }} {{ 1 < (3 < 2) }} {{ 3 > 2 > 1 }} {{ (3 > 2) > 1 }} {{ 1 == 1 == 1 }} {{ (2 == 2) == 2 }} {{ 2 == 2 == 2 }} {{ 1 in [1] == true }} {{ (1 in [1]) == true }} {{ 'a' in 'ab' in ['ab'] }} {{ ('a' in 'ab') in ['ab'] }} {{ 1 != 2 != 1 }} {{ 0 <= x[0] <= 1 < 2 }}",
    "{{ (1 < 2) in [true] }} {{ (1 < 2) not in [true] }} {{ not 1 < 2 < 3 }} {{ ((1 < 2)) == true }} {{ (1 < 2 and 3) == 3 }} {{ (1 if 1 < 2 else 0) == 1 }} {{ [(1 < 2) == 1] }} {{ (foo.x if foo is defined else 1) == 1 }}{% if (1 < 2) == true %}y{% elif (2 < 1) == false %}n{% endif %}{% set a = (1 == 1) == (2 == 2) %}{{ a }}{{ 1 < 2 < undefined_name if false else 'lazy' }} {{ 2 < 1 < 'a' }}",
    "{{ 1, }} {{ 1, 2 }} {{ (1, 2), [3, 4] }} {% set a = 1, %}{{ a }}{% set a = (1), (2) %}{{ a }}{% set (b, c), d = [(1, 2), 3,] %}{{ b }}{{ c }}{{ d }}{% for e in 1, 2 %}{{ e }}{% endfor %}{% for e in 1, 2, 3 if e != 2 %}{{ e }}{% endfor %}{% for e in 1, (2, 3) recursive %}{{ e }}{{ loop(e) if e is iterable }}{% endfor %}{% for e, f in (1, 2), (3, 4) if f > 2 %}{{ e }}{{ f }}{% endfor %}",
    "{% set q %}{{ 1, }}{% endset %}{{ q }}{% set q | upper %}a{% endset %}{{ q }}{% set q = {'a': (1,), 'b': [1, 2]} %}{{ q }}{% set q = dict(a=1, b=2) %}{{ q }}{% for k, v in dict(a=1, b=2) | items %}{{ k }}{{ v }}{% endfor %}{% set ns = namespace(a=1, b=2) %}{% set ns.a = 1, 2 %}{{ ns.a }}",
    "{% with a = 1, b = 'x' %}{{ a }}{{ b }}{% set a = 2 %}{{ a }}{% set c = 3 %}{% endwith %}|{{ a }}{{ c }}{% set a = 5 %}{% with a = a + 1, b = a %}{{ a }}{{ b }}{% endwith %}{{ a }}{% with %}{% set q = 1 %}{{ q }}{% endwith %}{{ q }}{% with t = (1,), u = [1 < 2 < 3] %}{{ t }}{{ u }}{% endwith %}",
    "{% for i in [1, 2, 3] %}{% with j = i * 2 %}{{ j }}{% if j == 4 %}{% break %}{% endif %}{% endwith %},{% endfor %}{% macro m() %}{% with z = varargs %}{{ z }}{% endwith %}{% endmacro %}{{ m(1, 2) }}{{ m(1) }}{{ m() }}\n{% with a = 1 -%}\n  {{ a }}\n{%- endwith %}\nend",
    "{% set tree = [{'n': 'a', 'c': [{'n': 'b', 'c': []}, {'n': 'd', 'c': [{'n': 'e'}]}]}, {'n': 'f'}] %}{% for t in tree recursive %}{{ loop.depth }}{{ loop.depth0 }}{{ loop.index }}{{ t.n }}({{ loop(t.c) if t.c }}){% if not loop.last %},{% endif %}{% endfor %}",
    "{% for i in [1, [2, [3, 4]], 5] if i != 4 recursive %}{% if i is iterable %}[{{ loop(i) }}]{% else %}{{ i }}{% endif %}{% else %}none{% endfor %}{% for i in [[]] recursive %}{{ loop(i) }}{% else %}none{% endfor %}{% for k, v in {'a': {'b': {}}} | dictsort recursive %}{{ k }}{{ loop(v | dictsort) }}{% endfor %}",
    "{{ [1, 2, 3, 4, 5, 6, 7] | slice(3) | list }} {{ [1, 2, 3, 4] | slice(3, '-') | list }} {{ [1] | slice(3) | list }} {{ [] | slice(2, 0) | list }} {{ 'abcde' | slice(2) | map('join') | list }} {{ range(6) | slice(slices=2, fill_with=9) | list }} {{ [1] | slice(-1) | list }}{% for column in [1, 2, 3] | slice(2) %}<{{ column | join(',') }}>{% endfor %}",
]

ERRORS = [
    "{{ raise_exception('boo') }}", "{{ ''.a.b }}", "{{ foo.bar }}", "{{ foo() }}", "{{ 1 + 'a' }}", "{{ 'a' + 1 }}", "{{ 'a' < 1 }}", "{{ [].append(1) }}", "{{ {'a': 1}.update({}) }}",
    "{{ range(100001) }}", "{% set ns = namespace() %}{% set ns.__proto__ = 1 %}", "{{ none|length }}", "{{ 'x' in none }}", "{% include 'x' %}", "{% if x %}", "{{ 'a }}", "{% foo %}", "{{ x y }}",
    "{{ x|nofilter }}", "{{ x is notest }}", "{{ undefined_name + 1 }}", "{{ undefined_name|tojson }}", "{{ {} | items | tojson }}", "{% for a, b in [1] %}{% endfor %}", "{{ 1 / 0 }}",
    "{% for i in [1] %}{{ loop([2]) }}{% endfor %}", "{% for i in [1] recursive %}{{ loop() }}{% endfor %}", "{% with a %}{% endwith %}", "{% with a = 1 %}", "{{ [1] | slice(0) | list }}", "{{ [1] | slice | list }}", "{{ (,) }}", "{{ 1 < 2 < 'a' }}",
]


def render(template, conversation):
    try:
        rendered, _ = render_jinja_template(
            [_normalize_chat_messages(conversation["messages"])],
            tools=conversation.get("tools"),
            documents=conversation.get("documents"),
            chat_template=template,
            **{"add_generation_prompt": True, **conversation.get("options", {})},
            **SPECIAL,
            **conversation.get("variables", {}),
        )
        return {"text": rendered[0]}
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"[:200]}


SPECIAL = {"bos_token": "<s>", "eos_token": "</s>"}
PLAIN = {"messages": [user("Hi")], "variables": {"x": [1]}}
oracle = {
    "special_tokens": SPECIAL,
    "conversations": CONVERSATIONS,
    "chats": {name: {"template": t, "results": {key: render(t, c) for key, c in CONVERSATIONS.items()}} for name, t in CHATS.items()},
    "plain": PLAIN,
    "expressions": [{"template": t, **render(t, PLAIN)} for t in EXPRESSIONS],
    "errors": [{"template": t, **render(t, PLAIN)} for t in ERRORS],
}
assert all("text" in row for row in oracle["expressions"]), [r for r in oracle["expressions"] if "text" not in r]
assert all("error" in row for row in oracle["errors"]), [r for r in oracle["errors"] if "error" not in r]
with open(os.path.join(os.path.dirname(os.path.abspath(__file__)), "oracle.json"), "w") as file:
    json.dump(oracle, file, indent=1)

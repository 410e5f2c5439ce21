"""What transformers' return_assistant_tokens_mask says of conversations, by {% generation %} marks.

Run in the repository's root: python test/oracle/chat-templates/make_generation_oracle.py (transformers 5)
"""

import json

import transformers
from transformers import PreTrainedTokenizerFast

END = "<|endoftext|>"
TEMPLATES = {
    "end within": "{% for m in messages %}{% if m.role == 'assistant' %}[assistant]{% generation %}{{ m.content }}" + END + "{% endgeneration %}{% else %}[{{ m.role }}]{{ m.content }}" + END + "{% endif %}\n{% endfor %}",
    "lines and end behind": "{%- for m in messages %}\n[{{ m.role }}]\n{% if m.role == 'assistant' -%}\n  {%- generation %}\n{{ m.content }}\n{% endgeneration -%}\n" + END + "\n{% else %}\n{{ m.content }}\n{% endif %}\n{%- endfor %}",
    "within a token": "{% for m in messages %}{% if m.role == 'assistant' %}I say {% generation %}{{ m.content }}{% endgeneration %}ly." + END + "{% else %}{{ m.content }} {% endif %}{% endfor %}",
    "the last answer only": "{% for m in messages %}{% if loop.last %}{% generation %}{{ m.content }}{% endgeneration %}{% else %}{{ m.content }} {% endif %}{% endfor %}",
}
CONVERSATIONS = [
    [{"role": "user", "content": "Who are you?"}, {"role": "assistant", "content": "The old fox."}],
    [
        {"role": "user", "content": "Say héllo \U0001f98a!"},
        {"role": "assistant", "content": "\U0001f98a héllo \U0001f98a"},
        {"role": "user", "content": "Go on"},
        {"role": "assistant", "content": "  the frog was sad\n\n"},
    ],
    [
        {"role": "user", "content": "Once"},
        {"role": "assistant", "content": "up"},
        {"role": "user", "content": "on"},
        {"role": "assistant", "content": "a time"},
    ],
]

tokenizer = PreTrainedTokenizerFast(tokenizer_file="models/target/tokenizer.json", eos_token=END)
cases = []
for name, template in TEMPLATES.items():
    for messages in CONVERSATIONS:
        out = tokenizer.apply_chat_template(
            messages, chat_template=template, tokenize=True, return_dict=True, return_assistant_tokens_mask=True
        )
        cases.append({
            "name": name,
            "template": template,
            "messages": messages,
            "tokens": list(out["input_ids"]),
            "mask": list(out["assistant_masks"]),
        })
with open("test/oracle/chat-templates/generation.json", "w") as file:
    json.dump({"transformers": transformers.__version__, "cases": cases}, file)
    file.write("\n")

"""Writes oracle.json: what Hugging Face transformers computes, in float32, with the checkpoint of make_smollm2.py.

    python test/oracle/smollm2/make_smollm2_oracle.py [--model models-real/SmolLM2-135M-Instruct]
"""
import argparse
import json
import pathlib

HERE = pathlib.Path(__file__).parent
PROMPTS = [
    "Once upon a time, in a small village by the sea,",
    "The capital of France is",
    "def fibonacci(n):\n    ",
    "Question: A farmer has 12 cows and buys 7 more. How many cows does he have?\nAnswer:",
    "Water boils at",
]
CHATS = [
    [{"role": "user", "content": "Why is the sky blue?"}],
    [{"role": "user", "content": "Write a haiku about rain."}],
    [{"role": "system", "content": "You answer in one word."}, {"role": "user", "content": "What colour is grass?"}],
    [{"role": "user", "content": "List three fruits."}],
    [
        {"role": "user", "content": "My name is Ann."},
        {"role": "assistant", "content": "Nice to meet you, Ann!"},
        {"role": "user", "content": "What is my name?"},
    ],
]
TEXTS = [
    "", " ", "Hello, world!", "  leading and trailing  ", "tabs\tand\nnewlines\n\n\nend", "caf\u00e9 na\u00efve \u00fcber",
    "\u4f60\u597d\uff0c\u4e16\u754c", "\U0001f600\U0001f468\u200d\U0001f469\u200d\U0001f467", "1234567890 3.14 1,000,000", "don't I'm we'll you've",
    "CamelCase snake_case kebab-case", "<|im_start|>user\nhi<|im_end|>", "\u0442\u0435\u0441\u0442 \u0434\u0430", "a" * 40, "x=1;y=2;print(x+y)",
    "\u200b\u00a0\u3000", "e\u0301 vs \u00e9", "https://example.com/a?b=c&d=1", "\u0645\u0631\u062d\u0628\u0627", "end.",
]
ENGLISH = (
    "The lighthouse stood at the end of a long spit of sand, and for more than a hundred years its lamp had guided ships "
    "past the rocks. Every evening the keeper climbed the narrow stairs, cleaned the glass, and filled the lamp with oil. "
    "He liked the quiet. From the gallery he could see the whole bay, the fishing boats coming home, and the lights of the "
    "town on the far shore. In winter the wind shook the tower and the spray froze on the windows, but the lamp never went "
    "out. One night in November a storm came up from the south. The waves were higher than the keeper had ever seen, and "
    "soon after midnight he heard a horn in the dark. A ship was close, far too close. He ran up the stairs and found that "
    "the wind had broken one of the panes. The flame was low and the room was full of rain. He took off his coat, held it "
    "against the broken window with one arm, and with the other he turned the lamp until it burned bright again. He stood "
    "there until morning. When the sun rose the storm was over, and a grey ship lay at anchor behind the point, safe in "
    "calm water. A small boat came ashore. The captain stepped out, walked up to the tower and shook the keeper by the "
    "hand. He did not say much, and the keeper did not say much either, but they drank a cup of coffee together and looked "
    "at the sea. In the years that followed the captain always sounded his horn twice when he passed the light, and the "
    "keeper always answered by dipping the lamp. Children in the town learned the story in school. They were told that a "
    "good neighbour is someone who stays awake when others sleep, and that a small light, well kept, is worth more than a "
    "great one that goes out. Science has changed the work of the lighthouse since then. Today the lamp is electric and a "
    "computer turns it on when the light of day falls below a certain level. Engineers come twice a year to test the "
    "batteries, measure the current and replace the parts that salt and water have damaged. The tower itself is a museum, "
    "where visitors can read the old log books and climb the stairs for a small fee. Most of them stop at the broken pane, "
    "which was never replaced, and ask the guide why it is still there."
)


def gap(row):
    top = row.topk(2).values
    return float(top[0] - top[1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--model", default="models-real/SmolLM2-135M-Instruct")
    path = parser.parse_args().model

    import torch
    import transformers

    torch.manual_seed(0)
    tokenizer = transformers.AutoTokenizer.from_pretrained(path)
    model = transformers.AutoModelForCausalLM.from_pretrained(path, dtype=torch.float32).eval()

    def chat_ids(messages, prompt=True):
        ids = tokenizer.apply_chat_template(messages, add_generation_prompt=prompt)
        return list(ids["input_ids"]) if not isinstance(ids, list) else ids

    @torch.no_grad()
    def case(ids):
        logits = model(torch.tensor([ids])).logits[0]
        positions = sorted({0, len(ids) // 3, 2 * len(ids) // 3, len(ids) - 2, len(ids) - 1})
        rows = []
        for p in positions:
            top = logits[p].topk(10)
            rows.append({
                "position": p,
                "top10_ids": top.indices.tolist(),
                "top10_logits": [round(v, 5) for v in top.values.tolist()],
                "logsumexp": round(float(logits[p].logsumexp(-1)), 5),
            })
        current, cache, greedy, gaps = torch.tensor([ids]), None, [], []
        for _ in range(64):
            out = model(current, past_key_values=cache, use_cache=True)
            row, cache = out.logits[0, -1], out.past_key_values
            greedy.append(int(row.argmax()))
            gaps.append(gap(row))
            current = torch.tensor([[greedy[-1]]])
        return {"input_ids": ids, "rows": rows, "greedy64_ids": greedy, "smallest_gap": round(min(gaps), 6)}

    cases = [case(tokenizer(p).input_ids) for p in PROMPTS] + [case(chat_ids(m)) for m in CHATS]
    ids = tokenizer(ENGLISH).input_ids[:501]
    with torch.no_grad():
        logits = model(torch.tensor([ids])).logits[0]
    english = {
        "input_ids": ids,
        "top1": logits.argmax(-1).tolist(),
        "gap": [round(gap(row), 4) for row in logits],
        "next_logprob": [round(float(logits[i].log_softmax(-1)[ids[i + 1]]), 5) for i in range(len(ids) - 1)],
    }
    chats = [
        {"messages": m, "text": tokenizer.apply_chat_template(m, tokenize=False, add_generation_prompt=g), "generation_prompt": g,
         "ids": chat_ids(m, g)}
        for m in CHATS for g in (True, False)
    ]
    texts = [{"text": t, "ids": tokenizer(t).input_ids, "decoded": tokenizer.decode(tokenizer(t).input_ids)} for t in TEXTS]
    oracle = {
        "made_with": {"torch": torch.__version__, "transformers": transformers.__version__},
        "cases": cases, "english": english, "chats": chats, "texts": texts,
    }
    (HERE / "oracle.json").write_text(json.dumps(oracle) + "\n")
    perplexity = -sum(english["next_logprob"]) / len(english["next_logprob"])
    print("english loss", perplexity, "smallest gaps", [c["smallest_gap"] for c in cases])


if __name__ == "__main__":
    main()

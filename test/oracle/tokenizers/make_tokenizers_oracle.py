"""Writes two small tokenizers of the kinds that checkpoints carry, and what Hugging Face's tokenizers make of texts.

    python test/oracle/tokenizers/make_tokenizers_oracle.py

llama-bpe: BPE with byte fallback and the "▁" for spaces, as Llama 1 and 2, Mistral and TinyLlama have.
byte-level: byte-level BPE with single digits and added tokens, as Llama 3, Qwen and SmolLM have.
The oracle also has the embedded tokenizer's ids, from the same library. Needs: tokenizers (made with 0.23.3).
"""
import json
import pathlib

import tokenizers
from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers

HERE = pathlib.Path(__file__).parent
ROOT = HERE.parents[2]

TEXTS = [
    "", " ", "  ", "\n", "Hello, world!", "  leading and trailing  ", "tabs\tand\nnewlines\n\n\nend",
    "café naïve über", "你好，世界", "😀👨‍👩‍👧 family", "1234567890 3.14 1,000,000", "don't I'm we'll you've",
    "CamelCase snake_case", "тест да", "a" * 40, "x=1;y=2;print(x+y)", "\u200b\xa0\u3000", "é vs é", "مرحبا", "end.",
    "<s>literal</s>", "a <|im_start|>user\nhi<|im_end|> b", "one  two   three    four", "▁ is a block", "\ufffd",
    "Once upon a time there was a little girl named Lily.", "𝒳𝒴 math", "é" * 9,
]


def corpus():
    for line in (ROOT / "test/golden/prompts.jsonl").read_text(encoding="utf8").splitlines():
        yield json.loads(line)["prompt"]


def llama_bpe() -> Tokenizer:
    made = Tokenizer(models.BPE(unk_token="<unk>", byte_fallback=True, fuse_unk=True))
    made.normalizer = normalizers.Sequence([normalizers.Prepend("▁"), normalizers.Replace(" ", "▁")])
    made.decoder = decoders.Sequence(
        [decoders.Replace("▁", " "), decoders.ByteFallback(), decoders.Fuse(), decoders.Strip(" ", 1, 0)]
    )
    special = ["<unk>", "<s>", "</s>"] + [f"<0x{byte:02X}>" for byte in range(256)]
    ascii_letters = [chr(c) for c in range(33, 127)] + ["▁"]
    made.train_from_iterator(
        (text.replace(" ", "▁") for text in corpus()),
        trainers.BpeTrainer(vocab_size=700, special_tokens=special, initial_alphabet=ascii_letters),
    )
    # The trainer makes special tokens of the bytes; they are plain entries of the vocabulary.
    raw = json.loads(made.to_str())
    raw["added_tokens"] = [token for token in raw["added_tokens"] if token["id"] < 3]
    made = Tokenizer.from_str(json.dumps(raw))
    made.post_processor = processors.TemplateProcessing(
        single="<s> $A", pair="<s> $A <s> $B", special_tokens=[("<s>", made.token_to_id("<s>"))]
    )
    return made


def byte_level() -> Tokenizer:
    made = Tokenizer(models.BPE())
    made.pre_tokenizer = pre_tokenizers.Sequence(
        [
            pre_tokenizers.Split(Regex(r"\p{N}"), "isolated"),
            pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True),
        ]
    )
    made.decoder = decoders.ByteLevel()
    made.train_from_iterator(
        corpus(), trainers.BpeTrainer(vocab_size=500, initial_alphabet=pre_tokenizers.ByteLevel.alphabet())
    )
    made.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    made.add_tokens([AddedToken("<tool>", special=False)])
    return made


def main() -> None:
    oracle = {"made_with": {"tokenizers": tokenizers.__version__}, "tokenizers": {}}
    kinds = {"llama-bpe": llama_bpe(), "byte-level": byte_level()}
    for name, made in kinds.items():
        folder = HERE / name
        folder.mkdir(exist_ok=True)
        made.save(str(folder / "tokenizer.json"), pretty=False)
        (folder / "tokenizer_config.json").write_text("{}\n")
    kinds["embedded"] = Tokenizer.from_file(str(ROOT / "models/target/tokenizer.json"))
    for name, made in kinds.items():
        rows = []
        for text in TEXTS:
            ids = made.encode(text).ids
            bare = made.encode(text, add_special_tokens=False).ids
            rows.append({
                "text": text, "ids": ids, "bare": bare,
                "decoded": made.decode(ids, skip_special_tokens=True),
                "decoded_all": made.decode(ids, skip_special_tokens=False),
            })
        oracle["tokenizers"][name] = rows
    (HERE / "oracle.json").write_text(json.dumps(oracle, ensure_ascii=True, indent=1) + "\n")


if __name__ == "__main__":
    main()

"""Writes what transformers makes of added tokens that stand in several files, or in one alone.

    python test/oracle/tokenizers-added/make_tokenizers_added_oracle.py

Needs: transformers (made with 5.24.0) and tokenizers (0.23.3).
"""
import json
import pathlib
import tempfile

import transformers
from transformers import PreTrainedTokenizerFast

HERE = pathlib.Path(__file__).parent
TEXT = "a<e>b <s> a<k>bZwice a < e >Once<x> a"


def token(content, special=False, **flags):
    return {"content": content, "special": special, "single_word": False, "lstrip": False, "rstrip": False, "normalized": False, **flags}


def tokenizer_json(*added):
    characters = list("ab <>eskxOncZwi")
    vocab = {piece: i for i, piece in enumerate(["<unk>", *characters, "Once"])}
    return {
        "version": "1.0", "truncation": None, "padding": None, "normalizer": None, "pre_tokenizer": None, "post_processor": None,
        "added_tokens": [{"id": 0, **token("<unk>", True)}, *added], "decoder": {"type": "Fuse"},
        "model": {"type": "BPE", "dropout": None, "unk_token": "<unk>", "continuing_subword_prefix": None, "end_of_word_suffix": None,
                  "fuse_unk": True, "byte_fallback": False, "vocab": vocab, "merges": []},
    }


V = len(tokenizer_json()["model"]["vocab"])
# name -> (added tokens of tokenizer.json, tokenizer_config.json, further files)
CASES = {
    "decoder": ([], {"added_tokens_decoder": {"0": token("<unk>", True), V: token("<e>", True), V + 1: token("<s>")}, "eos_token": "<e>"}, {}),
    "decoder with holes, unordered": ([], {"added_tokens_decoder": {V + 9: token("<s>"), V + 7: token("<e>", True)}, "eos_token": "<e>"}, {}),
    "decoder with other flags": ([{"id": V, **token("<s>")}], {"added_tokens_decoder": {V: token("<s>", True, lstrip=True, rstrip=True)}}, {}),
    "decoder of a token of the vocabulary": ([], {"added_tokens_decoder": {V - 1: token("Once", True)}}, {}),
    "decoder of another token with an id": ([], {"added_tokens_decoder": {3: token("Zwice", True)}}, {}),
    "added_tokens.json": ([], {"eos_token": "<e>"}, {"added_tokens.json": {"<e>": V, "<s>": V + 1}}),
    "added_tokens.json beside tokenizer.json": ([{"id": V, **token("<e>", True)}], {}, {"added_tokens.json": {"<e>": V, "<s>": V + 1}}),
    "added_tokens.json beside a decoder": ([], {"eos_token": "<e>", "added_tokens_decoder": {V: token("<e>", True)}}, {"added_tokens.json": {"<x>": V, "<s>": V + 1}}),
    "added_tokens.json beside an empty decoder": ([], {"added_tokens_decoder": {}}, {"added_tokens.json": {"<x>": V}}),
    "special_tokens_map.json": ([], {}, {"special_tokens_map.json": {"eos_token": "<e>", "additional_special_tokens": ["<k>"]}}),
    "special_tokens_map.json beside a configuration": ([], {"eos_token": "<x>"}, {"special_tokens_map.json": {"eos_token": {**token("<e>"), "lstrip": True}}}),
    "special_tokens_map.json beside a decoder": ([], {"added_tokens_decoder": {V: token("<k>", True)}}, {"special_tokens_map.json": {"eos_token": "<e>"}}),
    "named tokens alone": ([], {"eos_token": {"__type": "AddedToken", **token("<e>"), "lstrip": True}, "bos_token": "<s>", "additional_special_tokens": ["<k>"]}, {}),
    "a named token that is plain": ([{"id": V, **token("<e>")}], {"eos_token": "<e>"}, {}),
    "a named token of the vocabulary": ([], {"eos_token": "Once"}, {}),
    "other ids than the library gives": ([{"id": V + 5, **token("<e>", True)}, {"id": 2, **token("<s>")}, {"id": 99, **token("Once")}], {}, {}),
    "no text": ([{"id": V, **token("")}, {"id": V + 1, **token("<s>")}], {}, {}),
}

if __name__ == "__main__":
    transformers.logging.set_verbosity_error()
    rows = []
    for name, (added, config, files) in CASES.items():
        files = {"tokenizer.json": tokenizer_json(*added), "tokenizer_config.json": {"tokenizer_class": "PreTrainedTokenizerFast", **config}, **files}
        with tempfile.TemporaryDirectory() as folder:
            for file, value in files.items():
                pathlib.Path(folder, file).write_text(json.dumps(value))
            made = PreTrainedTokenizerFast.from_pretrained(folder)
            ids = made(TEXT).input_ids
            rows.append({"name": name, "files": files, "ids": ids, "eos": made.eos_token_id, "size": len(made),
                         "special": sorted(i for i, t in made.added_tokens_decoder.items() if t.special),
                         "added": {t.content: i for i, t in made.added_tokens_decoder.items()},
                         "shown": made.decode(ids), "skipped": made.decode(ids, skip_special_tokens=True)})
    oracle = {"transformers": transformers.__version__, "text": TEXT, "rows": rows}
    (HERE / "oracle.json").write_text(json.dumps(oracle, ensure_ascii=True) + "\n", encoding="utf8")

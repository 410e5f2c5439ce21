"""Writes how Hugging Face's tokenizers cut a text of all scripts, for each kind of pre-tokenizer and pattern.

    python test/oracle/tokenizers-unicode/make_tokenizers_unicode_oracle.py

The model has a token for each byte and one for each byte that ends a piece, so ids say where pieces end. A line's ids stand
as the first 16 digits of the SHA-256 of them, joined with commas. Needs: tokenizers (made with 0.23.3).
"""
import hashlib
import json
import pathlib
import unicodedata

import tokenizers
from tokenizers import Tokenizer, pre_tokenizers

HERE = pathlib.Path(__file__).parent

# Code points that are new in Unicode 16 and 17: Python's own tables may not know them.
NEW = [0x88F, 0xC5C, 0x1ACF, 0x20C1, 0xA7CE, 0xA7DA, 0xFBC3, 0x105C0, 0x10940, 0x10D40, 0x10EC5, 0x11380, 0x113D4, 0x11B60, 0x11DB0,
       0x11DE0, 0x11DE5, 0x16D70, 0x16EA0, 0x16FF4, 0x1CCF0, 0x1E5F0, 0x1E5F1, 0x1E6C0, 0x1F6D8, 0x1FAEA, 0x2EBF0, 0x323B0]


def sample():
    """All marks, numbers, punctuation, spaces and format characters; of letters and symbols every ninth."""
    letters = 0
    for code in range(0x20, 0x30000):
        category = unicodedata.category(chr(code))
        if category in ("Cn", "Co", "Cs"):
            continue
        if category in ("Lo", "Ll", "Lu", "So", "Sm", "Mn"):
            letters += 1
            ideograph = 0x3400 <= code < 0xA000 or 0xAC00 <= code < 0xD7A4 or code >= 0x17000 and code < 0x18D00 or code >= 0x20000
            if letters % (509 if ideograph else 9):
                continue
        yield chr(code)
    yield from map(chr, NEW)


def lines():
    made, line = [], ""
    around = ["a", "é1", " ", "", "٣", "'S", "ß", "  "]
    for i, char in enumerate(sample()):
        line += around[i % len(around)] + char
        if len(line) > 600:
            made.append(line)
            line = ""
    extra = [
        "I'ſ we'Ll THEY'RE it'S don'T he'D \u212aelvin K k ſ S s", "a\u0085b\u00a0c\u1680d\u2003e\u2028f\u202fg\u3000h\ufeffi\u200bj",
        "x²³¹ ½ⅷⅧ①⑳ 12٣٤५६७ 𝟘𝟙 ௧௨ 〇一二三", "a\u200db\u200cc \u0301e\u0301 _\u203f_ a!!b??c…d«e»f", "ǅ ǈ ẞ ß ﬆ ﬁ ÅÅå É é Σσς",
    ]
    return [*made, line, *extra]


LLAMA3 = r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+"
O200K = (
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]*[\p{Ll}\p{Lm}\p{Lo}\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"[^\r\n\p{L}\p{N}]?[\p{Lu}\p{Lt}\p{Lm}\p{Lo}\p{M}]+[\p{Ll}\p{Lm}\p{Lo}\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|"
    r"\p{N}{1,3}| ?[^\s\p{L}\p{N}]+[\r\n/]*|\s*[\r\n]+|\s+(?!\S)|\s+"
)


def split(regex, behavior="Isolated", invert=False):
    return {"type": "Split", "pattern": {"Regex": regex}, "behavior": behavior, "invert": invert}


KINDS = {
    "gpt2": {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True},
    "llama3": split(LLAMA3),
    "o200k": split(O200K),
    "deepseek": {"type": "Sequence", "pretokenizers": [split(r"\p{N}{1,3}"), split("[一-龥぀-ゟ゠-ヿ]+"), split(
        r"[!\"#$%&'()*+,\-./:;<=>?@\[\\\]^_`{|}~][A-Za-z]+|[^\r\n\p{L}\p{P}\p{S}]?[\p{L}\p{M}]+| ?[\p{P}\p{S}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")]},
    "bloom": split(r" ?[^(\s|[.,!?…。，、।۔،])]+"),
    "digits": split(r"\d"),
    "non-digits": split(r"\D+", "Removed", True),
    "words": split(r"\w+"),
    "non-words": split(r"\W", "MergedWithPrevious"),
    "spaces": split(r"\s", "MergedWithNext"),
    "boundaries": split(r"\b\p{Alphabetic}+\b"),
    "posix": split(r"[[:alpha:]]+|[[:punct:]]|[[:digit:]]+"),
    "marks": split(r"\p{L}\p{M}*", "Contiguous"),
    "others": split(r"\p{C}|\p{Z}|\p{Emoji}", "Removed"),
    "scripts": split(r"\p{Han}+|\p{Cyrillic}+|\p{Arabic}+|\p{Latin}+|\p{Devanagari}+"),
    "folded": split(r"(?i:[a-z]+|é|σ)"),
    "folded from there": split(r"(?i)s|k|ſ|[à-ý]"),
    "Digits one by one": {"type": "Digits", "individual_digits": True},
    "Digits": {"type": "Digits", "individual_digits": False},
    "Punctuation": {"type": "Punctuation", "behavior": "Isolated"},
    "Punctuation in runs": {"type": "Punctuation", "behavior": "Contiguous"},
    "Whitespace": {"type": "Whitespace"},
    "WhitespaceSplit": {"type": "WhitespaceSplit"},
    "BertPreTokenizer": {"type": "BertPreTokenizer"},
    "Metaspace": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "always", "split": True},
    "Metaspace whole": {"type": "Metaspace", "replacement": "▁", "prepend_scheme": "never", "split": False},
    "FixedLength": {"type": "FixedLength", "length": 7},
}


def tokenizer_json(kind):
    letters = sorted(pre_tokenizers.ByteLevel.alphabet())
    vocab = {token: i for i, token in enumerate(letters + [letter + "</w>" for letter in letters])}
    last = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": False}
    return {
        "version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
        "pre_tokenizer": kind if kind.get("use_regex") else {"type": "Sequence", "pretokenizers": [kind, last]},
        "post_processor": None, "decoder": None,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None, "end_of_word_suffix": "</w>",
                  "fuse_unk": False, "byte_fallback": False, "vocab": vocab, "merges": []},
    }


if __name__ == "__main__":
    texts = lines()
    model = tokenizer_json(KINDS["gpt2"])
    digests = {}
    for name, kind in KINDS.items():
        made = Tokenizer.from_str(json.dumps(tokenizer_json(kind)))
        ids = [made.encode(text).ids for text in texts]
        digests[name] = [hashlib.sha256(",".join(map(str, row)).encode()).hexdigest()[:16] for row in ids]
    oracle = {"tokenizers": tokenizers.__version__, "model": model["model"], "pre_tokenizers": {
        name: tokenizer_json(kind)["pre_tokenizer"] for name, kind in KINDS.items()}, "lines": texts, "digests": digests}
    (HERE / "oracle.json").write_text(json.dumps(oracle, ensure_ascii=True, indent=1) + "\n", encoding="utf8")
    print(len(texts), "lines,", sum(map(len, texts)), "characters")

"""Writes small random Llama checkpoints, one for each feature of the architecture, and oracle.json: what Hugging Face
transformers computes with them in float32.

    python test/oracle/llama/make_llama_oracle.py
"""
import json
import pathlib
import shutil

HERE = pathlib.Path(__file__).parent
BASE = dict(
    vocab_size=112, hidden_size=64, intermediate_size=96, num_hidden_layers=2, num_attention_heads=4,
    num_key_value_heads=2, max_position_embeddings=128, rms_norm_eps=1e-5, initializer_range=0.2,
    tie_word_embeddings=True, bos_token_id=0, eos_token_id=1, pad_token_id=None,
)
LLAMA3 = dict(rope_type="llama3", factor=8.0, low_freq_factor=1.0, high_freq_factor=4.0,
              original_max_position_embeddings=32, rope_theta=10000.0)
# name: (configuration, dtype, maximum shard size, whether config.json is rewritten in the older style)
MODELS = {
    "gqa-tied": (dict(), "float32", None, True),
    "untied-bf16": (dict(tie_word_embeddings=False), "bfloat16", None, False),
    "fp16": (dict(), "float16", None, False),
    "rope-linear": (dict(rope_parameters=dict(rope_type="linear", factor=4.0, rope_theta=10000.0)), "float32", None, False),
    "rope-llama3": (dict(rope_parameters=LLAMA3), "float32", None, True),
    "biases": (dict(attention_bias=True, mlp_bias=True), "float32", None, False),
    "sharded": (dict(tie_word_embeddings=False), "float16", "60KB", False),
    "head-dim": (dict(head_dim=32, num_attention_heads=3, num_key_value_heads=1, hidden_size=48), "float16", None, False),
    "mha": (dict(num_key_value_heads=4), "float16", None, False),
    "odd-widths": (dict(hidden_size=80, num_attention_heads=5, num_key_value_heads=1, intermediate_size=88), "float16", None, False),
}


def older_style(path: pathlib.Path) -> None:
    """rope_theta and rope_scaling at the top, as transformers 4 wrote them."""
    config = json.loads(path.read_text())
    rope = config.pop("rope_parameters")
    config["rope_theta"] = rope.pop("rope_theta")
    config["rope_scaling"] = None if rope["rope_type"] == "default" else rope
    path.write_text(json.dumps(config, indent=2) + "\n")


def main() -> None:
    import torch
    import transformers

    oracle = {"made_with": {"torch": torch.__version__, "transformers": transformers.__version__}, "models": {}}
    for number, (name, (changes, dtype, shards, old)) in enumerate(MODELS.items()):
        torch.manual_seed(number)
        config = transformers.LlamaConfig(**{**BASE, **changes})
        model = transformers.LlamaForCausalLM(config)
        with torch.no_grad():
            for key, tensor in model.named_parameters():
                if key.endswith("bias"):
                    tensor.normal_(0, 0.3)
                elif "norm" in key:
                    tensor.normal_(1, 0.1)
        model = model.to(getattr(torch, dtype))
        folder = HERE / name
        shutil.rmtree(folder, ignore_errors=True)
        model.save_pretrained(folder, **({"max_shard_size": shards} if shards else {}))
        if old:
            older_style(folder / "config.json")
        # Read back rather than widened in place: .to() would have rounded the rotary frequencies too.
        model = transformers.LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        ids = torch.randint(2, config.vocab_size, (1, 80))
        with torch.no_grad():
            logits = model(ids).logits[0]
            current, greedy, gaps = ids, [], []
            for _ in range(24):
                row = model(current).logits[0, -1]
                top = row.topk(2)
                greedy.append(int(top.indices[0]))
                gaps.append(float(top.values[0] - top.values[1]))
                current = torch.cat([current, top.indices[:1].view(1, 1)], 1)
        oracle["models"][name] = {
            "input_ids": ids[0].tolist(),
            "logits": {str(p): [round(v, 6) for v in logits[p].tolist()] for p in (0, 1, 17, 40, 79)},
            "greedy24_ids": greedy,
            "smallest_gap": round(min(gaps), 6),
        }
        print(name, config.rope_parameters, "smallest gap", min(gaps))
    (HERE / "oracle.json").write_text(json.dumps(oracle) + "\n")


if __name__ == "__main__":
    main()

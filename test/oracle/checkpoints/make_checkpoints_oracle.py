"""Tiny Llama checkpoints saved in the ways that checkpoints are found in, with the logits that transformers gives for them.

Needs torch, transformers and safetensors: python3 test/oracle/checkpoints/make_checkpoints_oracle.py
"""
import json
import pathlib
import shutil
from collections import OrderedDict

import torch
import transformers
from safetensors.torch import save_file

HERE = pathlib.Path(__file__).parent
SIZES = dict(vocab_size=64, hidden_size=32, intermediate_size=48, num_hidden_layers=1, num_attention_heads=2,
             num_key_value_heads=1, max_position_embeddings=256, bos_token_id=0, eos_token_id=1)


def model(seed, dtype, tied):
    torch.manual_seed(seed)
    config = transformers.LlamaConfig(**SIZES, tie_word_embeddings=tied)
    return transformers.LlamaForCausalLM(config).to(dtype)


def weights(made):
    return OrderedDict((name, tensor.detach()) for name, tensor in made.state_dict().items())


def safetensors(folder, state):
    save_file({name: tensor.clone().contiguous() for name, tensor in state.items()}, folder / "model.safetensors",
              metadata={"format": "pt"})


def tied_bin(folder):
    """Both names, one storage, as torch.save of a tied model."""
    made = model(1, torch.float32, True)
    state = weights(made)
    assert state["lm_head.weight"].data_ptr() == state["model.embed_tokens.weight"].data_ptr()
    # Buffers that old checkpoints hold and nothing needs; parameters rather than tensors, as some trainers save them.
    state["model.layers.0.self_attn.rotary_emb.inv_freq"] = torch.ones(8)
    state["model.position_ids"] = torch.arange(256)
    state["model.norm.weight"] = torch.nn.Parameter(state["model.norm.weight"])
    torch.save(state, folder / "pytorch_model.bin")
    return made


def sharded_bin(folder):
    made = model(2, torch.float16, False)
    state = weights(made)
    names = list(state)
    weight_map = {}
    for number, part in enumerate((names[:5], names[5:]), 1):
        file = f"pytorch_model-0000{number}-of-00002.bin"
        torch.save(OrderedDict((name, state[name]) for name in part), folder / file)
        weight_map.update({name: file for name in part})
    index = {"metadata": {"total_size": 0}, "weight_map": weight_map}
    (folder / "pytorch_model.bin.index.json").write_text(json.dumps(index, indent=1) + "\n")
    return made


def bfloat_views(folder):
    """All tensors are views of one storage."""
    made = model(3, torch.bfloat16, False)
    state = weights(made)
    flat = torch.cat([tensor.flatten() for tensor in state.values()])
    views, at = OrderedDict(), 0
    for name, tensor in state.items():
        views[name] = flat[at:at + tensor.numel()].view(tensor.shape)
        at += tensor.numel()
    torch.save(views, folder / "pytorch_model.bin")
    return made


def own_head(folder):
    """config.json says tied, the file holds two different matrices."""
    made = model(4, torch.bfloat16, False)
    safetensors(folder, weights(made))
    made.config.tie_word_embeddings = True
    return made


def same_head(folder):
    """config.json says tied, and the file holds the one matrix twice."""
    made = model(5, torch.float16, True)
    safetensors(folder, weights(made))
    return made


def head_alone(folder):
    """Tied, and the matrix stands under the head's name only."""
    made = model(6, torch.float16, True)
    state = weights(made)
    del state["model.embed_tokens.weight"]
    safetensors(folder, state)
    return made


def unprefixed(folder):
    """The base model saved alone."""
    made = model(7, torch.float16, True)
    safetensors(folder, OrderedDict((name.removeprefix("model."), tensor) for name, tensor in weights(made).items()
                                    if name != "lm_head.weight"))
    return made


CASES = dict(zip(("tied-bin", "sharded-bin", "bfloat-views", "own-head", "same-head", "head-alone", "unprefixed"),
                 (tied_bin, sharded_bin, bfloat_views, own_head, same_head, head_alone, unprefixed)))


def main():
    oracle = {"made_with": {"torch": torch.__version__, "transformers": transformers.__version__}, "models": {}}
    for name, make in CASES.items():
        folder = HERE / name
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir()
        make(folder).config.save_pretrained(folder)
        loaded = transformers.LlamaForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
        embedding, head = loaded.get_input_embeddings().weight, loaded.get_output_embeddings().weight
        ids = torch.randint(2, SIZES["vocab_size"], (1, 24))
        with torch.no_grad():
            logits = loaded(ids).logits[0]
        oracle["models"][name] = {
            "input_ids": ids[0].tolist(),
            "logits": {str(p): [round(v, 6) for v in logits[p].tolist()] for p in (0, 11, 23)},
            "tied": head.data_ptr() == embedding.data_ptr(),
        }
        print(name, "tied" if oracle["models"][name]["tied"] else "untied")
    (HERE / "oracle.json").write_text(json.dumps(oracle) + "\n")


if __name__ == "__main__":
    main()

"""Small Medusa heads as PyTorch and safetensors files, with the logits that PyTorch computes from them.

Needs torch and safetensors: python3 test/oracle/medusa/make.py
"""
import json
import os
from collections import OrderedDict

import torch
from safetensors.torch import save_file

HERE = os.path.dirname(os.path.abspath(__file__))
D, V = 256, 4096  # the embedded target's
torch.manual_seed(5)


def heads(count, layers, own_head=True):
    state = OrderedDict()
    for i in range(count):
        for j in range(layers):
            state[f"{i}.{j}.linear.weight"] = torch.randn(D, D) * 0.05
            state[f"{i}.{j}.linear.bias"] = torch.randn(D) * 0.1
        if own_head:
            # Low rank keeps the files small in git: most columns are zero.
            weight = torch.zeros(V, D)
            weight[:, :2] = torch.randn(V, 2)
            state[f"{i}.{layers}.weight"] = weight
    return state


def logits(state, count, layers, hidden, lm_head):
    rows = []
    for i in range(count):
        x = hidden
        for j in range(layers):
            inner = x @ state[f"{i}.{j}.linear.weight"].float().T + state[f"{i}.{j}.linear.bias"].float()
            x = x + torch.nn.functional.silu(inner)
        rows.append(x @ state.get(f"{i}.{layers}.weight", lm_head).float().T)
    return torch.stack(rows)


class Module(torch.nn.Module):
    """A module, whose state dict carries _metadata as saved heads do."""

    def __init__(self):
        super().__init__()
        self.heads = torch.nn.ModuleList(
            torch.nn.Sequential(torch.nn.Linear(D, 8), torch.nn.Linear(8, 4)) for _ in range(2)
        )


hidden = torch.randn(D)
lm_head = torch.zeros(V, D)
cases = {"pt": ("pt", 2, 1, True, torch.float16), "two-blocks": ("pt", 1, 2, False, torch.bfloat16),
         "shared": ("safetensors", 2, 1, False, torch.float32)}
from safetensors import safe_open  # noqa: E402
with safe_open(os.path.join(HERE, "../../../models/target/model.safetensors"), "pt") as f:
    lm_head = f.get_tensor("model.embed_tokens.weight").float()
oracle = {"hidden": hidden.tolist(), "cases": {}}
for name, (kind, count, layers, own, dtype) in cases.items():
    folder = os.path.join(HERE, name)
    os.makedirs(folder, exist_ok=True)
    state = OrderedDict((k, v.to(dtype)) for k, v in heads(count, layers, own).items())
    path = os.path.join(folder, f"medusa_lm_head.{kind}")
    if kind == "pt":
        torch.save(state, path)
    else:
        save_file(state, path)
    config = {"medusa_num_heads": count, "medusa_num_layers": layers, "base_model_name_or_path": "../../../../models/target"}
    with open(os.path.join(folder, "config.json"), "w") as f:
        json.dump(config, f)
    rows = logits(state, count, layers, hidden, lm_head)
    top = rows.topk(10, dim=-1)
    oracle["cases"][name] = {"heads": count, "ids": top.indices.tolist(), "logits": top.values.tolist()}
torch.save(Module().state_dict(), os.path.join(HERE, "metadata.pt"))
with open(os.path.join(HERE, "oracle.json"), "w") as f:
    json.dump(oracle, f)

"""Gradients and optimiser steps as PyTorch computes them.

Needs torch and transformers: python3 test/oracle/training/make_training_oracle.py
"""
import json
import os

import torch
from transformers import AutoModelForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
torch.set_num_threads(1)
torch.manual_seed(3)


def digest(gradient):
    """The norm, sums against three waves, and some values: what tells a gradient apart in few numbers."""
    flat = gradient.double().flatten()
    at = torch.arange(flat.numel(), dtype=torch.float64)
    waves = [float((flat * torch.cos(at * step)).sum()) for step in (0.37, 1.13, 2.71)]
    some = [float(value) for value in flat[:: max(1, flat.numel() // 8)][:8]]
    return {"norm": float(flat.norm()), "waves": waves, "some": some}


def llama(name):
    model = AutoModelForCausalLM.from_pretrained(os.path.join(HERE, "../llama", name), dtype=torch.float32,
                                                 attn_implementation="eager")
    ids = torch.randint(2, model.config.vocab_size, (2, 7))
    positions = torch.tensor([[0, 1, 2, 3, 0, 1, 2], [0, 1, 2, 3, 4, 5, 6]])
    segments = torch.tensor([[0, 0, 0, 0, 1, 1, 1], [0, 0, 0, 0, 0, 0, 0]])
    labels = ids.roll(-1, 1)
    labels[0, 3] = labels[0, 6] = labels[1, 6] = labels[1, 2] = -100
    seen = (segments[:, :, None] == segments[:, None, :]) & torch.ones(7, 7).tril().bool()
    mask = torch.where(seen, 0.0, -1e9)[:, None]
    logits = model(ids, attention_mask=mask, position_ids=positions).logits
    loss = torch.nn.functional.cross_entropy(logits.flatten(0, 1), labels.flatten(), reduction="sum")
    loss.backward()
    gradients = {key: digest(value.grad) for key, value in model.named_parameters()}
    return {"ids": ids.tolist(), "positions": positions.tolist(), "segments": segments.tolist(),
            "labels": labels.tolist(), "loss": float(loss), "gradients": gradients}


def medusa():
    D, V, rows = 12, 20, 6
    hidden = torch.randn(rows, D)
    labels = torch.tensor([3, -100, 7, 19, 0, 3])
    block = (torch.randn(D, D) * 0.3).requires_grad_()
    bias = (torch.randn(D) * 0.3).requires_grad_()
    head = (torch.randn(V, D) * 0.5).requires_grad_()
    logits = (hidden + torch.nn.functional.silu(hidden @ block.T + bias)) @ head.T
    loss = torch.nn.functional.cross_entropy(logits, labels, reduction="sum")
    teacher = torch.randn(rows, V) * 2
    weights = torch.rand(rows)
    kl = (weights[:, None] * torch.nn.functional.kl_div(logits.log_softmax(-1), teacher.softmax(-1), reduction="none")).sum()
    cases = {}
    for name, value in (("crossEntropy", loss), ("kl", kl)):
        gradients = torch.autograd.grad(value, [block, bias, head], retain_graph=True)
        cases[name] = {"loss": float(value), "gradients": [g.flatten().tolist() for g in gradients]}
    flat = {key: value.detach().flatten().tolist() for key, value in
            (("hidden", hidden), ("block", block), ("bias", bias), ("head", head), ("teacher", teacher), ("weights", weights))}
    return {"D": D, "V": V, "labels": labels.tolist(), **flat, **cases}


def adamw():
    value = torch.randn(9).requires_grad_()
    start = value.tolist()
    optimiser = torch.optim.AdamW([value], lr=0.01, betas=(0.9, 0.95), eps=1e-8, weight_decay=0.1)
    gradients = [torch.randn(9) for _ in range(5)]
    after = []
    for gradient in gradients:
        value.grad = gradient.clone()
        torch.nn.utils.clip_grad_norm_([value], 2.5)
        optimiser.step()
        after.append(value.tolist())
    return {"start": start, "gradients": [g.tolist() for g in gradients], "after": after}


def orthogonal(matrix):
    """Newton-Schulz of torch.optim.Muon, in 32-bit floats where that rounds to bfloat16."""
    x = matrix.T if matrix.shape[0] > matrix.shape[1] else matrix
    x = x / x.norm().clamp(min=1e-7)
    for _ in range(5):
        gram = x @ x.T
        x = 3.4445 * x + (-4.775 * gram + 2.0315 * gram @ gram) @ x
    return x.T if matrix.shape[0] > matrix.shape[1] else x


def muon(rows, columns):
    value, before = torch.randn(rows, columns), torch.zeros(rows, columns)
    torchs = value.clone().requires_grad_()
    reference = torch.optim.Muon([torchs], lr=0.02, weight_decay=0.1, momentum=0.95)
    start, gradients, after, bfloat = value.flatten().tolist(), [], [], []
    for _ in range(3):
        gradient = torch.randn(rows, columns)
        torchs.grad = gradient.clone()
        reference.step()
        before = before.lerp(gradient, 1 - 0.95)
        update = orthogonal(gradient.lerp(before, 0.95))
        value = value * (1 - 0.02 * 0.1) - 0.02 * max(1, rows / columns) ** 0.5 * update
        gradients.append(gradient.flatten().tolist())
        after.append(value.flatten().tolist())
        bfloat.append(torchs.flatten().tolist())
    return {"rows": rows, "columns": columns, "start": start, "gradients": gradients, "after": after, "torch": bfloat}


oracle = {"llama": {name: llama(name) for name in ("gqa-tied", "biases")}, "medusa": medusa(), "adamw": adamw(),
          "muon": [muon(6, 4), muon(3, 5)]}
with open(os.path.join(HERE, "oracle.json"), "w") as f:
    json.dump(oracle, f)

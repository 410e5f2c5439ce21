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


def flat(tensor):
    return [round(x, 6) for x in tensor.flatten().tolist()]


def wave(dims, seed, scale):
    """Numbers that the test makes as well: scale sin(seed + 0.37 i^2)."""
    at = torch.arange(torch.Size(dims).numel(), dtype=torch.float64)
    return (scale * torch.sin(seed + 0.37 * at * at)).float().reshape(dims)


def batch(case):
    """The packed batch of `llama`, with rows of a teacher whose output product is another one."""
    ids, positions, segments, labels = (torch.tensor(case[key]) for key in ("ids", "positions", "segments", "labels"))
    seen = (segments[:, :, None] == segments[:, None, :]) & torch.ones(7, 7).tril().bool()
    mask = torch.where(seen, 0.0, -1e9)[:, None]
    return ids, positions, mask, labels.flatten()


def rows_of(model, parameters, ids, positions, mask):
    """Final hidden rows and logits with other values of parameters."""
    out = torch.func.functional_call(model, parameters, (ids,), {"attention_mask": mask, "position_ids": positions,
                                                                 "output_hidden_states": True})
    return out.hidden_states[-1].flatten(0, 1), out.logits.flatten(0, 1)


def distillation(name, case):
    model = AutoModelForCausalLM.from_pretrained(os.path.join(HERE, "../llama", name), dtype=torch.float32,
                                                 attn_implementation="eager")
    ids, positions, mask, labels = batch(case)
    own, _ = rows_of(model, dict(model.named_parameters()), ids, positions, mask)
    hidden = torch.tensor(flat(own)).reshape(own.shape) + wave(own.shape, 1, 0.9)
    counts = (labels >= 0).float()
    teacher = (hidden @ model.model.embed_tokens.weight.detach().T).log_softmax(-1)
    cases = {}
    for kind in ("kl", "reverse-kl", "tv", "lk"):
        parameters = {key: value.detach().clone().requires_grad_() for key, value in model.named_parameters()}
        student = rows_of(model, parameters, ids, positions, mask)[1].log_softmax(-1)
        overlap = torch.minimum(student.exp(), teacher.exp()).sum(-1)
        rows = {"kl": lambda: (teacher.exp() * (teacher - student)).sum(-1),
                "reverse-kl": lambda: (student.exp() * (student - teacher)).sum(-1),
                "tv": lambda: 1 - overlap, "lk": lambda: -overlap.log()}[kind]()
        loss = (counts * rows).sum()
        loss.backward()
        cases[kind] = {"loss": float(loss), "gradients": {key: digest(value.grad) for key, value in parameters.items()}}
    acceptance, best = flat(overlap), (student.argmax(-1) == teacher.argmax(-1)).int().tolist()
    return {"own": flat(own), "acceptance": acceptance, "agreement": best, "losses": cases}


def joint(name, case):
    """Medusa-2: adapters of low rank on every product (one for q, k and v), two heads, KL of the base to a teacher."""
    model = AutoModelForCausalLM.from_pretrained(os.path.join(HERE, "../llama", name), dtype=torch.float32,
                                                 attn_implementation="eager")
    ids, positions, mask, labels = batch(case)
    D, V, rank, alpha = model.config.hidden_size, model.config.vocab_size, 3, 6
    base = dict(model.named_parameters())
    products = {"qkv": ["self_attn.q_proj", "self_attn.k_proj", "self_attn.v_proj"], "o": ["self_attn.o_proj"],
                "gate": ["mlp.gate_proj"], "up": ["mlp.up_proj"], "down": ["mlp.down_proj"]}
    adapters, parameters = {}, {key: value.detach() for key, value in base.items()}
    for layer in range(model.config.num_hidden_layers):
        for product, parts in products.items():
            keys = [f"model.layers.{layer}.{part}.weight" for part in parts]
            sizes = [base[key].shape[0] for key in keys]
            a = wave((rank, base[keys[0]].shape[1]), len(adapters), 0.1).requires_grad_()
            b = wave((sum(sizes), rank), len(adapters) + 1, 0.1).requires_grad_()
            adapters[f"layers.{layer}.{product}.lora_a"], adapters[f"layers.{layer}.{product}.lora_b"] = a, b
            for key, part in zip(keys, (b @ a * (alpha / rank)).split(sizes)):
                parameters[key] = parameters[key] + part
    hidden, logits = rows_of(model, parameters, ids, positions, mask)
    teacher = wave((14, D), 5, 1)
    p = (teacher @ base["model.embed_tokens.weight"].detach().T).log_softmax(-1)
    counts = (labels >= 0).float()
    losses = {"base": (counts[:, None] * p.exp() * (p - logits.log_softmax(-1))).sum()}
    heads = {}
    further = [labels.roll(-1).tolist(), labels.roll(-2).tolist()]
    for i in range(2):
        block, bias, own = (wave(dims, seed + 3 * i, 0.2).requires_grad_()
                            for seed, dims in enumerate(((D, D), (D,), (V, D))))
        heads[f"heads.{i}.blocks.0"], heads[f"heads.{i}.blocks.0.bias"], heads[f"heads.{i}.lm_head"] = block, bias, own
        rows = hidden + torch.nn.functional.silu(hidden @ block.T + bias)
        losses[f"head.{i}"] = torch.nn.functional.cross_entropy(rows @ own.T, torch.tensor(further[i]), reduction="sum")
    weights = {"base": 1.0, "head.0": 0.16, "head.1": 0.128}
    sum(weights[key] * value for key, value in losses.items()).backward()
    trained = {**adapters, **heads}
    return {"rank": rank, "alpha": alpha, "labels": further, "weights": weights,
            "losses": {key: float(value) for key, value in losses.items()},
            "gradients": {key: digest(value.grad) for key, value in trained.items()}}


oracle = {"llama": {name: llama(name) for name in ("gqa-tied", "biases")}, "medusa": medusa(), "adamw": adamw(),
          "muon": [muon(6, 4), muon(3, 5)]}
oracle["distillation"] = distillation("gqa-tied", oracle["llama"]["gqa-tied"])
oracle["joint"] = joint("gqa-tied", oracle["llama"]["gqa-tied"])
with open(os.path.join(HERE, "oracle.json"), "w") as f:
    json.dump(oracle, f)

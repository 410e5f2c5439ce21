"""Losses and gradients of an EAGLE-3 layer's training-time test, as PyTorch computes them.

Needs torch: python3 test/oracle/training/make_eagle_training_oracle.py

Written row by row, as a draft is made: every row of a text is the root of a chain of guesses, which see the text up to the
root and the chain before themselves. Semantics: Li et al. 2025, EAGLE-3, section 3.2; SafeAILab/EAGLE eagle/traineagle3/cnets.py.
"""
import json
import os

import torch

HERE = os.path.dirname(os.path.abspath(__file__))
D, F, V, DRAFT, HEADS, KV, DIM, EPS, THETA = 8, 12, 20, 12, 4, 2, 4, 1e-5, 10000.0
BATCH, LENGTH, STEPS = 2, 6, 3
torch.set_num_threads(1)
torch.manual_seed(5)


def randn(*shape):
    return torch.randn(*shape).half().float()


weights = {"fc": randn(D, 3 * D) / 4, "embedding_norm": 1 + randn(D) / 4, "feature_norm": 1 + randn(D) / 4,
           "qkv": randn((HEADS + 2 * KV) * DIM, 2 * D) / 2, "o": randn(D, HEADS * DIM) / 4, "mlp_norm": 1 + randn(D) / 4,
           "gate": randn(F, D) / 2, "up": randn(F, D) / 2, "down": randn(D, F) / 2, "final_norm": 1 + randn(D) / 4,
           "lm_head": randn(DRAFT, D)}
weights = {name: value.requires_grad_() for name, value in weights.items()}
embedding, teacher = randn(V, D), randn(DRAFT, D)
features = randn(BATCH * LENGTH, 4 * D)
tokens = torch.randint(0, V, (BATCH * LENGTH,))
segments = torch.tensor([0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, -1])
positions = torch.tensor([0, 1, 2, 3, 0, 1, 0, 1, 2, 3, 4, 0])


def rms(x, gain):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS) * gain


def rotate(x, position):
    angles = position / THETA ** (torch.arange(0, DIM, 2).float() / DIM)
    a, b = x[..., : DIM // 2], x[..., DIM // 2:]
    return torch.cat([a * angles.cos() - b * angles.sin(), b * angles.cos() + a * angles.sin()], -1)


def layer(token, feature, position, seen):
    """One row that sees the (key, value) pairs in `seen` and itself. Returns its pair, its stream and its logits."""
    w = weights
    x = torch.cat([rms(embedding[token], w["embedding_norm"]), rms(feature, w["feature_norm"])])
    q, k, v = (w["qkv"] @ x).split([HEADS * DIM, KV * DIM, KV * DIM])
    own = (rotate(k.reshape(KV, DIM), position), v.reshape(KV, DIM))
    pairs = seen + [own]
    keys, values = torch.stack([key for key, _ in pairs]), torch.stack([value for _, value in pairs])
    queries = rotate(q.reshape(HEADS, DIM), position)
    mixed = []
    for head in range(HEADS):
        group = head * KV // HEADS
        mixed.append(((keys[:, group] @ queries[head]) / DIM**0.5).softmax(0) @ values[:, group])
    stream = feature + w["o"] @ torch.cat(mixed)
    y = rms(stream, w["mlp_norm"])
    stream = stream + w["down"] @ (torch.nn.functional.silu(w["gate"] @ y) * (w["up"] @ y))
    return own, stream, w["lm_head"] @ rms(stream, w["final_norm"])


def text_of(root):
    """The rows of the root's text, up to it."""
    return [j for j in range(root - int(positions[root]), root + 1)]


counts = torch.zeros(STEPS, BATCH * LENGTH)
losses = {"kl": [0.0] * STEPS, "lk": [0.0] * STEPS}
for root in range(BATCH * LENGTH):
    if segments[root] < 0:
        continue
    seen, pair, stream, logits = [], None, None, None
    for j in text_of(root):
        if pair:
            seen = seen + [pair]
        pair, stream, logits = layer(tokens[j], weights["fc"] @ features[j, : 3 * D], int(positions[j]), seen)
    for step in range(STEPS):
        row = root + step
        if row >= BATCH * LENGTH or segments[row] != segments[root] or positions[row] != positions[root] + step:
            break
        if step > 0:
            seen = seen + [pair]
            pair, stream, logits = layer(tokens[row], stream, int(positions[row]), seen)
        # One row has nothing to learn in its first step.
        weight = 0.0 if (root, step) == (1, 0) else float(torch.rand(()).half())
        counts[step, root] = weight
        p = (teacher @ features[row, 3 * D:]).softmax(0)
        q = logits.softmax(0)
        losses["kl"][step] += weight * (p * (p.log() - logits.log_softmax(0))).sum()
        losses["lk"][step] += -weight * torch.minimum(p, q).sum().log()


def rounded(tensor):
    return [float(f"{value:.7g}") for value in tensor.detach().flatten().tolist()]


oracle = {"sizes": {"hiddenSize": D, "intermediateSize": F, "vocabSize": V, "draftVocabSize": DRAFT, "numHeads": HEADS,
                    "numKvHeads": KV, "headDim": DIM, "rows": BATCH * LENGTH, "length": LENGTH, "steps": STEPS},
          "weights": {name: rounded(value) for name, value in weights.items()}, "embedding": rounded(embedding),
          "teacher": rounded(teacher), "features": rounded(features), "tokens": tokens.tolist(),
          "segments": segments.tolist(), "positions": positions.tolist(), "counts": [rounded(row) for row in counts],
          "cases": {}}
for name, values in losses.items():
    gradients = torch.autograd.grad(sum(values), list(weights.values()), retain_graph=True)
    oracle["cases"][name] = {"losses": [float(value) for value in values],
                             "gradients": {key: rounded(g) for key, g in zip(weights, gradients)}}
with open(os.path.join(HERE, "eagle.json"), "w") as f:
    json.dump(oracle, f)

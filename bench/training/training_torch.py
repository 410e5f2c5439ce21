"""The steps of bench/training/one-training.ts in PyTorch: same shapes, AdamW, clipping, random data. Prints rows a second and memory.

    python bench/training/training_torch.py medusa|medusa-shared|eagle|draft
"""
import json
import os
import resource
import statistics
import sys
import time

import torch
import torch.nn.functional as F

WIDTH, VOCABULARY, MLP, HEADS, KV, DIM = 256, 4096, 768, 4, 2, 64
ROWS, STEPS, WARM_UP = 1024, 16, 4
torch.set_num_threads(int(os.environ.get("OMP_NUM_THREADS", "2")))
torch.manual_seed(0)


def matrix(out, inputs):
    return torch.nn.Parameter(torch.randn(out, inputs) / inputs**0.5)


def medusa(shared, heads=4):
    lm = torch.randn(VOCABULARY, WIDTH) / 16
    blocks = [(torch.nn.Parameter(torch.zeros(WIDTH, WIDTH)), torch.nn.Parameter(torch.zeros(WIDTH))) for _ in range(heads)]
    products = [lm if shared else torch.nn.Parameter(lm.clone()) for _ in range(heads)]
    x, labels = torch.randn(ROWS, WIDTH), torch.randint(0, VOCABULARY, (heads, ROWS))

    def add_gradients():
        for part in x.split(512):
            loss = 0
            for i, ((w, b), product) in enumerate(zip(blocks, products)):
                hidden = part + F.silu(part @ w.T + b)
                loss = loss + 0.8 ** (i + 1) * F.cross_entropy(hidden @ product.T, labels[i, : len(part)])
            loss.backward()

    return [p for block in blocks for p in block] + ([] if shared else products), add_gradients


def draft(width=128, mlp=352):
    from transformers import LlamaConfig, LlamaForCausalLM

    config = LlamaConfig(vocab_size=VOCABULARY, hidden_size=width, intermediate_size=mlp, num_hidden_layers=2,
                         num_attention_heads=2, num_key_value_heads=2, tie_word_embeddings=True)
    model = LlamaForCausalLM(config).train()
    teacher = torch.randn(VOCABULARY, WIDTH) / 16
    ids, rows = torch.randint(0, VOCABULARY, (8, 128)), torch.randn(8, 128, WIDTH)

    def add_gradients():
        for tokens, hidden in zip(ids.split(4), rows.split(4)):
            p = F.log_softmax(hidden @ teacher.T, -1)
            q = F.log_softmax(model(tokens, use_cache=False).logits, -1)
            F.kl_div(q.flatten(0, 1), p.flatten(0, 1), reduction="batchmean", log_target=True).backward()

    return list(model.parameters()), add_gradients


def eagle(vocabulary=2048, length=256, steps=4):
    w = {"fc": matrix(WIDTH, 3 * WIDTH), "q": matrix(HEADS * DIM, 2 * WIDTH), "k": matrix(KV * DIM, 2 * WIDTH),
         "v": matrix(KV * DIM, 2 * WIDTH), "o": matrix(WIDTH, HEADS * DIM), "gate": matrix(MLP, WIDTH), "up": matrix(MLP, WIDTH),
         "down": matrix(WIDTH, MLP)}
    gains = [torch.nn.Parameter(torch.ones(WIDTH)) for _ in range(4)]
    table, head, teacher = torch.randn(VOCABULARY, WIDTH), torch.randn(vocabulary, WIDTH) / 16, torch.randn(vocabulary, WIDTH) / 16
    streams, hidden = torch.randn(4, length, 3 * WIDTH), torch.randn(4, length, WIDTH)
    tokens = torch.randint(0, VOCABULARY, (4, length))
    angle = torch.arange(length + steps)[:, None] / 10000 ** (torch.arange(0, DIM, 2) / DIM)
    cos, sin = angle.cos(), angle.sin()
    mask = torch.full((length, length), float("-inf")).triu(1)

    def norm(x, gain):
        return F.rms_norm(x, (WIDTH,), gain, 1e-5)

    def rotate(x, step):
        a, b = x[..., : DIM // 2], x[..., DIM // 2:]
        c, s = cos[step: step + length], sin[step: step + length]
        return torch.cat([a * c - b * s, b * c + a * s], -1)

    def split(x, count):
        return x.unflatten(-1, (count, DIM)).transpose(1, 2)

    def add_gradients():
        for part, ids, rows in zip(streams.split(2), tokens.split(2), hidden.split(2)):
            feature, loss, keys, values = part @ w["fc"].T, 0, [], []
            for step in range(steps):
                x = torch.cat([norm(table[ids.roll(-step, 1)], gains[0]), norm(feature, gains[1])], -1)
                q = rotate(split(x @ w["q"].T, HEADS), step)
                keys.append(rotate(split(x @ w["k"].T, KV), step).repeat_interleave(HEADS // KV, 1))
                values.append(split(x @ w["v"].T, KV).repeat_interleave(HEADS // KV, 1))
                scores = q @ keys[0].transpose(-1, -2) / DIM**0.5 + mask
                own = [(q * key).sum(-1, keepdim=True) / DIM**0.5 for key in keys[1:]]
                weights = torch.cat([scores, *own], -1).softmax(-1)
                mixed = weights[..., :length] @ values[0]
                for i, value in enumerate(values[1:]):
                    mixed = mixed + weights[..., length + i: length + i + 1] * value
                stream = feature + mixed.transpose(1, 2).flatten(2) @ w["o"].T
                y = norm(stream, gains[2])
                feature = stream + (F.silu(y @ w["gate"].T) * (y @ w["up"].T)) @ w["down"].T
                p = F.log_softmax(rows.roll(-step, 1) @ teacher.T, -1)
                logits = F.log_softmax(norm(feature, gains[3]) @ head.T, -1)
                loss = loss + 0.8**step * F.kl_div(logits.flatten(0, 1), p.flatten(0, 1), reduction="batchmean", log_target=True)
            loss.backward()

    return [*w.values(), *gains], add_gradients


kinds = {"medusa": lambda: medusa(False), "medusa-shared": lambda: medusa(True), "eagle": eagle, "draft": draft}
parameters, add_gradients = kinds[sys.argv[1]]()
optimiser = torch.optim.AdamW(parameters, lr=1e-4, weight_decay=0)
seconds = []
for _ in range(STEPS):
    started = time.perf_counter()
    optimiser.zero_grad()
    add_gradients()
    torch.nn.utils.clip_grad_norm_(parameters, 1)
    optimiser.step()
    seconds.append(time.perf_counter() - started)
rate = ROWS / statistics.median(seconds[WARM_UP:])
print(json.dumps({"rows": rate, "megabytes": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024}))

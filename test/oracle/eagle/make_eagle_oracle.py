"""A tiny target and EAGLE-3 heads in three layouts, with what a PyTorch re-implementation of the drafting computes.

Needs torch, transformers and safetensors: python3 test/oracle/eagle/make_eagle_oracle.py
Semantics: SafeAILab/EAGLE eagle/model/cnets.py (layer, topK_genrate), vLLM llama_eagle3.py and speculators' eagle3
(norm_before_residual, norm_before_fc, fc_norm, norm_output).
"""
import json
import os

import torch
from safetensors.torch import save_file
from transformers import LlamaConfig, LlamaForCausalLM

HERE = os.path.dirname(os.path.abspath(__file__))
V, D, LAYERS = 96, 32, 6
HEADS, KV, DIM, EPS, THETA = 2, 1, 16, 1e-5, 10000.0
LEVELS, TOP_K, NODES = 4, 3, 10
torch.manual_seed(11)


def write_json(path, value):
    with open(path, "w") as f:
        json.dump(value, f)


def rms(x, gain):
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + EPS) * gain


def rotate(x, positions):
    """Halves, not pairs; x is [rows, heads, DIM]."""
    frequencies = 1 / THETA ** (torch.arange(0, DIM, 2).float() / DIM)
    angles = positions[:, None].float() * frequencies
    cos, sin = torch.cat([angles.cos()] * 2, -1)[:, None], torch.cat([angles.sin()] * 2, -1)[:, None]
    half = torch.cat([-x[..., DIM // 2:], x[..., : DIM // 2]], -1)
    return x * cos + half * sin


class Head:
    """One draft layer over a list of rows that stays: every row has a parent, and attends to its ancestors."""

    def __init__(self, state, embedding, flags):
        self.w = {name: tensor.float() for name, tensor in state.items() if tensor.is_floating_point()}
        self.embedding = embedding.float()
        self.flags = flags
        self.keys, self.values, self.paths = [], [], []

    def fuse(self, streams):
        """[rows, 3, width] to [rows, D]."""
        if self.flags.get("fc_norm"):
            streams = torch.stack([rms(streams[:, i], self.w[f"fc_norm.{i}.weight"]) for i in range(3)], 1)
        joined = streams.reshape(streams.shape[0], -1)
        if self.flags.get("norm_before_fc"):
            joined = rms(joined, self.w["input_norm.weight"])
        return joined @ self.w["fc.weight"].T

    def row(self, token, feature, parent):
        """Adds a row under the row `parent` (-1: none). Returns its number, its feature and its log-probabilities."""
        p = "midlayer."
        path = [] if parent < 0 else self.paths[parent]
        position = torch.tensor([len(path)])
        hidden = rms(feature, self.w[p + "hidden_norm.weight"])
        residual = hidden if self.flags.get("norm_before_residual") else feature
        x = torch.cat([rms(self.embedding[token], self.w[p + "input_layernorm.weight"]), hidden])

        def project(name, heads):
            y = self.w[p + f"self_attn.{name}.weight"] @ x + self.w.get(p + f"self_attn.{name}.bias", 0)
            return y.reshape(1, heads, DIM)

        q = rotate(project("q_proj", HEADS), position)[0]
        self.keys.append(rotate(project("k_proj", KV), position)[0])
        self.values.append(project("v_proj", KV)[0])
        number = len(self.paths)
        self.paths.append(path + [number])
        keys = torch.stack([self.keys[i] for i in self.paths[number]])
        values = torch.stack([self.values[i] for i in self.paths[number]])
        out = []
        for h in range(HEADS):
            g = h * KV // HEADS
            scores = (keys[:, g] @ q[h]) / DIM**0.5
            out.append(scores.softmax(0) @ values[:, g])
        attended = self.w[p + "self_attn.o_proj.weight"] @ torch.cat(out) + self.w.get(p + "self_attn.o_proj.bias", 0)
        stream = residual + attended
        y = rms(stream, self.w[p + "post_attention_layernorm.weight"])
        inner = torch.nn.functional.silu(self.w[p + "mlp.gate_proj.weight"] @ y) * (self.w[p + "mlp.up_proj.weight"] @ y)
        stream = stream + self.w[p + "mlp.down_proj.weight"] @ inner
        normed = rms(stream, self.w["norm.weight"])
        logits = self.w["lm_head.weight"] @ normed
        return number, (normed if self.flags.get("norm_output") else stream), logits


def heads(width, draft_vocab, attention_bias, flags, own_embedding):
    """Tensors under SafeAILab/EAGLE's names, for a head of width D over a target of width D."""
    def w(*shape):
        return torch.randn(*shape) / shape[-1] ** 0.5

    p = "midlayer."
    state = {
        p + "self_attn.q_proj.weight": 2 * w(HEADS * DIM, 2 * width),
        p + "self_attn.k_proj.weight": 2 * w(KV * DIM, 2 * width),
        p + "self_attn.v_proj.weight": w(KV * DIM, 2 * width),
        p + "self_attn.o_proj.weight": w(width, HEADS * DIM),
        p + "mlp.gate_proj.weight": w(48, width),
        p + "mlp.up_proj.weight": w(48, width),
        p + "mlp.down_proj.weight": w(width, 48),
        "fc.weight": w(width, 3 * D),
        "lm_head.weight": 2 * w(draft_vocab, width),
    }
    for name in ["hidden_norm", "input_layernorm", "post_attention_layernorm"]:
        state[p + name + ".weight"] = 1 + 0.2 * torch.randn(width)
    state["norm.weight"] = 1 + 0.2 * torch.randn(width)
    if attention_bias:
        for name, out in [("q", HEADS * DIM), ("k", KV * DIM), ("v", KV * DIM), ("o", width)]:
            state[p + f"self_attn.{name}_proj.bias"] = 0.1 * torch.randn(out)
    if flags.get("norm_before_fc"):
        state["input_norm.weight"] = 1 + 0.2 * torch.randn(3 * D)
    if flags.get("fc_norm"):
        for i in range(3):
            state[f"fc_norm.{i}.weight"] = 1 + 0.2 * torch.randn(D)
    if own_embedding:
        state["embed_tokens.weight"] = torch.randn(V, width)
    state = {name: tensor.half() for name, tensor in state.items()}
    if draft_vocab < V:
        ids = torch.randperm(V)[:draft_vocab].sort().values
        state["d2t"] = ids - torch.arange(draft_vocab)
        state["t2d"] = torch.zeros(V, dtype=torch.bool).index_fill_(0, ids, True)
    return state


def draft(state, target, layers, flags, prompt):
    """A greedy chain and EAGLE-2's tree after the prompt; ids are the target's."""
    embedding = state.get("embed_tokens.weight", target.model.embed_tokens.weight.detach())
    to_target = torch.arange(state["lm_head.weight"].shape[0]) + state.get("d2t", 0)
    with torch.no_grad():
        hidden = target(torch.tensor([prompt]), output_hidden_states=True).hidden_states
    # transformers norms the last of them: none of the layers asked for is the last.
    streams = torch.stack([hidden[i][0] for i in layers], 1)

    def read():
        head = Head(state, embedding, flags)
        fused = head.fuse(streams)
        # Row j reads token j + 1 with the feature of token j.
        parent = -1
        for j in range(len(prompt) - 1):
            parent, feature, logits = head.row(prompt[j + 1], fused[j], parent)
        return head, parent, feature, logits

    head, parent, feature, logits = read()
    chain = {"tokens": [], "logits": [logits.tolist()]}
    for _ in range(LEVELS - 1):
        token = int(to_target[logits.argmax()])
        parent, feature, logits = head.row(token, feature, parent)
        chain["tokens"].append(token)
        chain["logits"].append(logits.tolist())

    head, parent, feature, logits = read()
    scored = []  # (score, path)
    frontier = [(0.0, [], parent, feature, logits)]
    for level in range(LEVELS):
        level_nodes = []
        for score, path, parent, feature, logits in frontier:
            top = logits.log_softmax(-1).topk(TOP_K)
            for log_p, i in zip(top.values, top.indices):
                level_nodes.append((score + float(log_p), path + [int(to_target[i])], parent, feature))
        scored += [(score, path) for score, path, _, _ in level_nodes]
        level_nodes.sort(key=lambda node: -node[0])
        frontier = []
        for score, path, parent, feature in level_nodes[:TOP_K]:
            row, own, logits = head.row(path[-1], feature, parent)
            frontier.append((score, path, row, own, logits))
    scored.sort(key=lambda node: -node[0])
    return chain, [path for _, path in scored[:NODES]]


config = LlamaConfig(vocab_size=V, hidden_size=D, intermediate_size=48, num_hidden_layers=LAYERS, num_attention_heads=HEADS,
                     num_key_value_heads=KV, head_dim=DIM, rms_norm_eps=EPS, max_position_embeddings=256, rope_theta=THETA,
                     bos_token_id=0, eos_token_id=1, tie_word_embeddings=False, initializer_range=0.2)
target = LlamaForCausalLM(config).eval()
# Parameters only: the rotary frequencies must keep their bits.
for parameter in target.parameters():
    parameter.data = parameter.data.half().float()
folder = os.path.join(HERE, "target")
os.makedirs(folder, exist_ok=True)
save_file({name: tensor.half().contiguous() for name, tensor in target.state_dict().items()}, os.path.join(folder, "model.safetensors"))
write_json(os.path.join(folder, "config.json"), {
    "architectures": ["LlamaForCausalLM"], "model_type": "llama", "vocab_size": V, "hidden_size": D, "intermediate_size": 48,
    "num_hidden_layers": LAYERS, "num_attention_heads": HEADS, "num_key_value_heads": KV, "head_dim": DIM, "rms_norm_eps": EPS,
    "max_position_embeddings": 256, "rope_theta": THETA, "bos_token_id": 0, "eos_token_id": 1, "tie_word_embeddings": False})
layer = {"model_type": "llama", "vocab_size": V, "hidden_size": D, "intermediate_size": 48, "num_hidden_layers": 1,
         "num_attention_heads": HEADS, "num_key_value_heads": KV, "head_dim": DIM, "rms_norm_eps": EPS,
         "max_position_embeddings": 64, "rope_theta": THETA, "hidden_act": "silu"}
prompt = [5, 17, 80, 3, 44, 44, 9, 61, 30, 12, 95, 2]
oracle = {"prompt": prompt, "levels": LEVELS, "topK": TOP_K, "nodes": NODES, "cases": {}}


def case(name, state, config, layers, flags, file, rename=lambda n: n):
    folder = os.path.join(HERE, name)
    os.makedirs(folder, exist_ok=True)
    renamed = {rename(key): tensor.contiguous() for key, tensor in state.items()}
    if file.endswith(".bin"):
        torch.save(renamed, os.path.join(folder, file))
    else:
        save_file(renamed, os.path.join(folder, file))
    write_json(os.path.join(folder, "config.json"), config)
    chain, tree = draft(state, target, layers, flags, prompt)
    oracle["cases"][name] = {"layers": layers, "chain": chain, "tree": tree}


# The default layers: 2, L / 2, L - 3.
case("safeai", heads(D, 40, False, {}, False), {**layer, "architectures": ["LlamaForCausalLM"], "draft_vocab_size": 40},
     [2, 3, 3], {}, "pytorch_model.bin")
# Ids within eagle_config count layers' outputs from 0.
case("specforge", heads(D, 48, True, {"fc_norm": True}, False),
     {**layer, "architectures": ["LlamaForCausalLMEagle3"], "draft_vocab_size": 48, "attention_bias": True, "fc_norm": True,
      "eagle_config": {"use_aux_hidden_state": True, "eagle_aux_hidden_state_layer_ids": [0, 2, 4]}},
     [1, 3, 5], {"fc_norm": True}, "model.safetensors")
flags = {"norm_before_residual": True, "norm_before_fc": True, "norm_output": True}
case("speculators", heads(D, V, False, flags, True),
     {"architectures": ["Eagle3Speculator"], "speculators_model_type": "eagle3", "draft_vocab_size": V, **flags,
      "eagle_aux_hidden_state_layer_ids": [0, 2, 5], "transformer_layer_config": layer,
      "speculators_config": {"algorithm": "eagle3", "default_proposal_method": "greedy",
                             "proposal_methods": [{"proposal_type": "greedy", "speculative_tokens": 3}],
                             "verifier": {"name_or_path": "../target", "architectures": ["LlamaForCausalLM"]}}},
     [0, 2, 5], flags, "model.safetensors", lambda n: n.replace("midlayer.", "layers.0."))
write_json(os.path.join(HERE, "oracle.json"), oracle)

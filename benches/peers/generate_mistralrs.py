"""Our generator beside mistral.rs on the same GGUF file, one after the other in one run.

    python3 -m venv mistral && mistral/bin/pip install mistralrs==0.9.5
    mistral/bin/python benches/peers/generate_mistralrs.py target/release/rag MODEL.gguf [THREADS]

mistral.rs takes a prompt of words of about 512 tokens and reports its own rates; it is not to be had without its chat
template. Ours takes in 512 tokens and continues with 64, as `rag bench generate` does.
"""

import json
import os
import pathlib
import subprocess
import sys


def theirs(model: pathlib.Path) -> tuple[int, float, float]:
    """Tokens of the prompt, tokens/s of the prompt, tokens/s of the answer."""
    from mistralrs import ChatCompletionRequest, Runner, Which

    runner = Runner(which=Which.GGUF(quantized_model_id=str(model.parent), quantized_filename=model.name))
    prompt = "one two three four five six seven eight nine ten " * 48 + "\nGo on."
    request = ChatCompletionRequest(
        model="default", messages=[{"role": "user", "content": prompt}], max_tokens=64, temperature=0.0
    )
    usage = runner.send_chat_completion_request(request).usage
    return usage.prompt_tokens, usage.avg_prompt_tok_per_sec, usage.avg_compl_tok_per_sec


def main(rag: str, model: str, threads: str = "2") -> None:
    for name in ("RAYON_NUM_THREADS", "CANDLE_NUM_THREADS", "OMP_NUM_THREADS"):
        os.environ[name] = threads
    command = [rag, "bench", "generate", "--llm", model, "--threads", threads, "--runs", "2", "--json"]
    ours = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    count, prefill, decode = theirs(pathlib.Path(model))
    print("| tokens/s | ours | mistral.rs | ratio |\n|---|---|---|---|")
    for name, mine, other in [
        (f"prompt (512 and {count} tokens)", ours["prefill_tokens_per_second"], prefill),
        ("answer", ours["decode_tokens_per_second"], decode),
    ]:
        print(f"| {name} | {mine:.1f} | {other:.1f} | {mine / other:.1f} |")


if __name__ == "__main__":
    main(*sys.argv[1:])

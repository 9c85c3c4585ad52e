"""What guessing tokens ahead saves on answers from documents: `draft.py RAG KB QUESTION...`, or a file of questions.

Each question is asked twice, with and without guesses, in turns; the answers must be the same to the byte. Prints tokens/s
after the first token, how many guesses were right, and the ratio.
"""

import json
import pathlib
import statistics
import subprocess
import sys


def ask(rag: str, kb: str, question: str, *flags: str) -> dict:
    command = [rag, "ask", kb, question, "--json", "--explain", "--abstain", "never", *flags]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main(rag: str, kb: str, questions: list[str]) -> None:
    if len(questions) == 1 and pathlib.Path(questions[0]).is_file():
        questions = pathlib.Path(questions[0]).read_text().splitlines()
    print("| tokens of the answer | one by one, tokens/s | guessing, tokens/s | guesses, right | ratio |\n|---|---|---|---|---|")
    ratios = []
    for question in questions:
        plain = [ask(rag, kb, question, "--no-draft") for _ in range(2)]
        ahead = [ask(rag, kb, question) for _ in range(2)]
        assert plain[0]["text"] == ahead[0]["text"], question
        count = plain[0]["timings"]["answer_token_count"]
        times = [min(run["timings"]["decode_ms"] for run in runs) for runs in (plain, ahead)]
        slow, fast = (1000 * (count - 1) / time for time in times)
        ratios.append((count, fast / slow))
        trace = ahead[0]["trace"]
        print(f"| {count} | {slow:.1f} | {fast:.1f} | {trace['drafted_token_count']}, {trace['accepted_token_count']} | {fast / slow:.2f} |",
              flush=True)
    for name, chosen in (("over 30 tokens", [r for n, r in ratios if n > 30]), ("to 30 tokens", [r for n, r in ratios if n <= 30])):
        if chosen:
            print(f"\n{name}: median ratio {statistics.median(chosen):.2f}, lowest {min(chosen):.2f}, {len(chosen)} answers")


if __name__ == "__main__":
    main(sys.argv[1], sys.argv[2], sys.argv[3:])

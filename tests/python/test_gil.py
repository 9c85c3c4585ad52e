"""The interpreter is free while the engine works."""

import asyncio
import concurrent.futures
import threading
import time

import pytest

import rag_py
from conftest import BRIDGE, model

TEXTS = ["Bees live in hives and keep honey for the winter. " * 12] * 64


async def largest_gap(work):
    """Seconds between two turns of the event loop, at worst, while `work` runs on a thread."""
    task = asyncio.create_task(asyncio.to_thread(work))
    last, largest = time.monotonic(), 0.0
    while not task.done():
        await asyncio.sleep(0.001)
        now = time.monotonic()
        last, largest = now, max(largest, now - last)
    await task
    return largest


@pytest.mark.parametrize("name", ["encode", "generate", "sync", "ask"])
def test_event_loop_goes_on(name, kb, encoder, generator, folder):
    for number in range(20):
        (folder / f"{number}.txt").write_text("Bees live in hives. " * 100)
    work = {
        "encode": lambda: encoder.encode_passages(TEXTS),
        "generate": lambda: generator.generate("Once upon a time", max_new_tokens=16),
        "sync": lambda: kb.sync(folder),
        "ask": lambda: kb.ask(BRIDGE, abstain="never", max_new_tokens=12),
    }[name]
    started = time.monotonic()
    gap = asyncio.run(largest_gap(work))
    seconds = time.monotonic() - started
    print(f"{name}: {seconds:.2f} s, largest gap {gap * 1000:.1f} ms")
    assert gap < 0.1


def test_eight_threads_search_at_once(kb):
    expected = kb.search(BRIDGE)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        results = list(pool.map(lambda _: kb.search(BRIDGE), range(64)))
    assert all(hits == expected for hits in results)


def test_threads_write_search_and_close(tmp_path):
    kb = rag_py.open(tmp_path / "kb.rag", encoder=model("minilm"))
    failures = []

    def work(number):
        try:
            for turn in range(4):
                kb.add(f"Thread {number} says {turn} in words.")
                kb.search("words")
        except Exception as error:  # noqa: BLE001
            failures.append(error)

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failures == [] and kb.info()["document_count"] == 16
    kb.close()

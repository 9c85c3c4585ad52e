"""A forked child cannot use what the parent opened; spawned ones start afresh."""

import gc
import multiprocessing
import os
import signal
import traceback
import warnings

import pytest

import rag_py
from conftest import BRIDGE, model


def in_child(work, seconds=60):
    """Runs `work` in a forked child; its exit code, or the signal that ended it as a negative number."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # "fork in a multi-threaded process": that is the test
        child = os.fork()
    if child == 0:
        signal.alarm(seconds)
        try:
            work()
            os._exit(0)
        except BaseException:
            traceback.print_exc()
            os._exit(1)
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


def test_what_the_parent_opened_is_refused(kb, encoder, generator):
    chat = kb.chat()
    stream = kb.ask(BRIDGE, stream=True, abstain="never", max_new_tokens=30)

    def child():
        uses = [
            lambda: kb.search(BRIDGE),
            lambda: kb.info(),
            lambda: kb.close(),
            lambda: chat.say("hello"),
            lambda: next(stream),
            lambda: encoder.encode_queries(["x"]),
            lambda: generator.generate("x"),
        ]
        for use in uses:
            with pytest.raises(RuntimeError, match="opened before fork"):
                use()

    assert in_child(child) == 0
    assert stream.answer and kb.search(BRIDGE), "the parent goes on"


def test_a_child_that_drops_its_copy_leaves_the_file_sound(tmp_path):
    held = [rag_py.open(tmp_path / "kb.rag", encoder=model("minilm"))]
    held[0].add("The bridge was opened in 1871.")

    def child():
        held.clear()
        gc.collect()

    assert in_child(child) == 0
    [kb] = held
    assert kb.add("The parent still writes.") and kb.check() == []
    kb.close()
    with rag_py.open(tmp_path / "kb.rag", encoder=model("minilm")) as kb:
        assert kb.info()["document_count"] == 2


def search_afresh(path, encoder):
    with rag_py.open(path, encoder=encoder) as kb:
        return [hit.text for hit in kb.search(BRIDGE, 1)]


@pytest.mark.parametrize("method", ["spawn", "forkserver"])
def test_spawned_processes_open_their_own(method, kb):
    expected = [hit.text for hit in kb.search(BRIDGE, 1)]
    with multiprocessing.get_context(method).Pool(2) as pool:
        job = pool.starmap_async(search_afresh, [(kb.path, str(model("minilm")))] * 3)
        assert job.get(timeout=120) == [expected] * 3

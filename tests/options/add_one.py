"""Adds an option of `ask` to a copy of the tree, by one entry in its declaration, and looks for it on every surface.

    python3 tests/options/add_one.py [--target DIR]

Builds the copy (dependencies are taken from DIR, by default `target`), then: a Rust test sets the field; a C and a C++ program set it by
its name and see a value out of range refused; `rag ask --help`, `rag config list` and a completion show it, a variable and rag.toml set it;
Python takes it, refuses a value out of range, and shows it in help and in its types; docs/options.md has its row.
"""

import argparse
import os
import pathlib
import shutil
import subprocess
import sys
import sysconfig

ROOT = pathlib.Path(__file__).resolve().parents[2]
AFTER = "        rewrite: Rewrite = Rewrite::None;\n"
ENTRY = """        /// A trial of how options are added.
        trial_depth: usize = 3, range(1.0, 9.0), unit("levels");
"""
RUST = """//! The trial option.

use rag_core::AskOptions;
use rag_core::options::Options;

#[test]
fn the_trial_is_a_field_and_a_name() {
    let options = AskOptions { trial_depth: 5, ..AskOptions::default() };
    assert_eq!(options.get("trial_depth"), Some(5usize.into()));
    let deep = AskOptions { trial_depth: 11, ..AskOptions::default() };
    let line = deep.validate().unwrap_err().to_string();
    assert!(line.contains("trial_depth") && line.contains("11 is outside 1 to 9"), "{line}");
}
"""
C = r"""#include <rag.h>
#include <stdio.h>
#include <string.h>

int main(void) {
    rag_kb *kb = NULL;
    rag_error *error = NULL;
    rag_open_options open = RAG_OPEN_OPTIONS_INIT;
    open.llm = "none";
    if (rag_kb_open(":memory:", &open, &kb, &error) != RAG_OK) return 1;
    rag_setting given = {"trial_depth", "11"};
    rag_ask_options ask = RAG_ASK_OPTIONS_INIT;
    ask.settings = &given;
    ask.setting_count = 1;
    rag_answer *answer = NULL;
    if (rag_kb_ask(kb, "How deep?", &ask, &answer, &error) != RAG_INVALID_ARGUMENT) return 2;
    puts(rag_error_message(error));
    int told = strstr(rag_error_message(error), "11 is outside 1 to 9") != NULL;
    rag_error_free(error);
    rag_kb_close(kb);
    return told ? 0 : 3;
}
"""
CPP = r"""#include <rag.hpp>
#include <cstdio>
#include <cstring>

int main() {
    rag::OpenOptions open;
    open.llm = "none";
    rag::KnowledgeBase kb(":memory:", open);
    rag::AskOptions ask;
    ask.settings = {{"trial_depth", "11"}};
    try {
        kb.ask("How deep?", ask);
    } catch (const rag::Error &error) {
        std::puts(error.what());
        return std::strstr(error.what(), "11 is outside 1 to 9") ? 0 : 3;
    }
    return 2;
}
"""
PYTHON = """
import pydoc, typing, rag_py
from rag_py import types
with rag_py.open(":memory:", llm="none") as kb:
    try:
        kb.ask("How deep?", trial_depth=11)
        raise SystemExit("11 was taken")
    except rag_py.RagError as error:
        assert "trial_depth" in str(error) and "11 is outside 1 to 9" in str(error), error
    shown = pydoc.plain(pydoc.render_doc(kb.ask))
assert "trial_depth" in shown and "1 to 9" in shown, shown
assert "trial_depth" in types.AskOptions.__annotations__
"""


def run(command, cwd, **variables) -> str:
    done = subprocess.run(command, cwd=cwd, env=os.environ | variables, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, command))} ended with {done.returncode}\n{done.stdout[-3000:]}{done.stderr[-6000:]}")
    return done.stdout


def copy(tree: pathlib.Path) -> None:
    """The tree as git knows it, with what was changed since; files that are the same keep their time, so little is built anew."""
    listed = run(["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"], ROOT).split("\0")
    for name in filter(None, listed):
        source, copied = ROOT / name, tree / name
        if source.is_file():
            copied.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(source, copied)


def seeded(target: pathlib.Path, own: pathlib.Path) -> None:
    """A folder for cargo with the dependencies that `target` has built; nothing of this workspace, and nothing shared that is written to."""
    (own / "release").mkdir(parents=True)
    for folder, how in (("deps", "-al"), ("build", "-a"), (".fingerprint", "-a")):
        run(["cp", how, target / "release" / folder, own / "release" / folder], ROOT)
    for of_ours in (path for prefix in ("rag", "librag", "lib_native", "_native") for path in (own / "release/deps").glob(prefix + "[-_.]*")):
        of_ours.unlink()


def expect(where: str, holds: bool) -> None:
    print(f"{'ok  ' if holds else 'FAIL'} {where}")
    if not holds:
        sys.exit(1)


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--target", type=pathlib.Path, default=ROOT / "target")
    target = parser.parse_args().target.resolve()
    tree = target / "options-trial"
    shutil.rmtree(tree, ignore_errors=True)
    copy(tree)
    declared = tree / "rag-core/src/options/ask.rs"
    text = declared.read_text()
    expect("one entry in the declaration", text.count(AFTER) == 1)
    declared.write_text(text.replace(AFTER, AFTER + ENTRY))
    (tree / "rag-core/tests/trial.rs").write_text(RUST)

    quick = ["--config", "profile.release.package.rag-core.opt-level=0", "--config", "profile.release.package.rag-core.codegen-units=64"]
    own = tree / "target"
    seeded(target, own)
    cargo = {"CARGO_TARGET_DIR": str(own), "CARGO_INCREMENTAL": "0"}
    build = ["cargo", "build", "--release", "--locked", "--workspace", *quick]
    run(build, tree, **cargo)
    run([sys.executable, "scripts/options.py"], tree)
    expect("docs/options.md: a row", "trial_depth" in (tree / "docs/options.md").read_text())
    # Python's help is made from the table and built in
    run(build, tree, **cargo)
    built = tree / "built"
    built.mkdir()
    for name in ("rag", "librag.so", "lib_native.so"):
        shutil.copy2(own / "release" / name, built / name)
    # the name that programs look for at run time
    (built / "librag.so.0").symlink_to("librag.so")
    run(["cargo", "test", "--release", "--locked", "--workspace", *quick, "--test", "trial"], tree, **cargo)
    expect("Rust: a field, a name, a range", True)

    for name, source, compiler in (("trial.c", C, "cc"), ("trial.cpp", CPP, "c++")):
        (built / name).write_text(source)
        standard = [] if compiler == "cc" else ["-std=c++17"]
        program = built / (name + ".out")
        link = ["-I", tree / "include", "-L", built, "-l:librag.so", f"-Wl,-rpath,{built}"]
        run([compiler, *standard, built / name, "-o", program, *link], tree)
        expect(f"{name}: set by its name, refused out of range", "1 to 9" in run([program], tree))

    rag = built / "rag"
    shown = run([rag, "ask", "--help"], tree)
    expect("shell: an argument with default and range", "--trial-depth" in shown and "1 to 9" in shown)
    expect("shell: a completion", "--trial-depth" in run([rag, "completions", "bash"], tree))
    listed = run([rag, "config", "show"], tree, RAG_ASK_TRIAL_DEPTH="7")
    expect("shell: a variable", any("trial_depth" in line and "7" in line for line in listed.splitlines()))
    (built / "rag.toml").write_text("[ask]\ntrial_depth = 6\n")
    listed = run([rag, "config", "show", "--config", built / "rag.toml"], tree)
    expect("shell: rag.toml", any("trial_depth" in line and "6" in line for line in listed.splitlines()))

    package = built / "python/rag_py"
    shutil.copytree(tree / "rag-py/python/rag_py", package)
    shutil.copy2(built / "lib_native.so", package / f"_native{sysconfig.get_config_var('EXT_SUFFIX')}")
    run([sys.executable, "-c", PYTHON], tree, PYTHONPATH=str(package.parent))
    expect("Python: a keyword with help, type and range", True)
    shutil.rmtree(tree, ignore_errors=True)
    print("options: 11 passed, 0 failed")


if __name__ == "__main__":
    main()

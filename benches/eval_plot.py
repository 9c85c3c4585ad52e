#!/usr/bin/env python3
"""Draws what `rag eval --json` printed: a measure of every setting with its interval, and the curve of "not found".

    rag eval ... --mode dense,lexical,hybrid --json > NAME.json
    pip install matplotlib && python3 benches/eval_plot.py --out FILE.svg [--measure ndcg@10] NAME.json...

A report without `--unanswerable` has no curve.
"""

import argparse
import json
import pathlib

import matplotlib

matplotlib.use("Agg")
matplotlib.rcParams["svg.hashsalt"] = "rag"
from matplotlib import pyplot


def bars(axes, reports, measure):
    names = list(dict.fromkeys(s["setting"] for report in reports.values() for s in report["settings"]))
    width = 0.8 / len(names)
    for place, name in enumerate(names):
        for at, report in enumerate(reports.values()):
            found = [setting for setting in report["settings"] if setting["setting"] == name]
            if not found:
                continue
            value, (low, high) = found[0]["metrics"][measure], found[0]["intervals"][measure]
            axes.bar(
                at + place * width, value, width * 0.95, color=f"C{place}", label=name if at == 0 else None,
                yerr=[[max(value - low, 0)], [max(high - value, 0)]], capsize=2, error_kw={"elinewidth": 0.8},
            )  # fmt: skip
    axes.set_xticks([at + 0.4 - width / 2 for at in range(len(reports))], list(reports))
    axes.set_ylabel(f"{measure}, 95 % interval")
    axes.legend(frameon=False, fontsize=8)


def curves(axes, reports):
    for name, report in reports.items():
        curve = report["metrics"]["coverage_curve"]
        axes.plot([row[1] for row in curve], [row[2] for row in curve], marker="o", markersize=3, label=name)
    axes.plot([0.15], [0.8], marker="x", color="black", linestyle="none", label="aim")
    axes.set_xlabel("answerable, refused")
    axes.set_ylabel("unanswerable, refused")
    axes.set_xlim(0, 1)
    axes.set_ylim(0, 1)
    axes.legend(frameon=False, fontsize=8)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("reports", nargs="+", type=pathlib.Path)
    parser.add_argument("--out", required=True)
    parser.add_argument("--measure", default="ndcg@10")
    arguments = parser.parse_args()
    reports = {path.stem: json.loads(path.read_text()) for path in arguments.reports}
    curved = {name: report for name, report in reports.items() if report["metrics"].get("coverage_curve")}
    figure, axes = pyplot.subplots(1, 2 if curved else 1, figsize=(10 if curved else 6, 4), squeeze=False)
    bars(axes[0][0], reports, arguments.measure)
    if curved:
        curves(axes[0][1], curved)
    figure.tight_layout()
    figure.savefig(arguments.out, metadata={"Date": None} if arguments.out.endswith(".svg") else None)


if __name__ == "__main__":
    main()

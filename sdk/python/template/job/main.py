"""Counts the words of a text."""

import csv
import re
from collections import Counter

from weft_function import Run, job


@job
def count_words(run: Run, shortest: int = 1):
    counts = count(run.input("text").read_text(encoding="utf-8"), shortest)
    run.metric("words", counts.total())
    # Equally frequent words stay in the order of the alphabet.
    rows = sorted(counts.items(), key=lambda row: (-row[1], row[0]))
    with run.output("counts").open("w", encoding="utf-8", newline="") as file:
        csv.writer(file, lineterminator="\n").writerows([("word", "count"), *rows])
    run.describe("counts", "table", columns=["word", "count"], rows=len(rows))
    return {"distinct": len(counts)}


def count(text: str, shortest: int) -> Counter[str]:
    words = re.findall(r"[^\W_]+", text)
    return Counter(word.lower() for word in words if len(word) >= shortest)

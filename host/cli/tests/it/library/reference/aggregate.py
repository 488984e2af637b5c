"""Groups and windows by pandas."""

import io
import json
import sys

import pandas

question = json.load(sys.stdin)
table = pandas.read_csv(io.StringIO(question["data"]))
table["moment"] = pandas.to_datetime(table["at"])


def span(text):
    return pandas.Timedelta(text.replace("d", "D"))


def measure(frame, text):
    word, inside = text.rstrip(")").split("(")
    if word == "rows":
        return len(frame)
    if word == "quantile":
        name, share = inside.split(",")
        return frame[name].quantile(float(share))
    column = frame[inside]
    if word in ("first", "last"):
        there = column.dropna()
        return None if there.empty else there.iloc[0 if word == "first" else -1]
    return getattr(column, {"distinct": "nunique"}.get(word, word))()


def groups(case):
    """What makes each group, its window's start, and its rows, in their order."""
    by = case.get("by", [])
    keyed = table.groupby(by, dropna=not case.get("keep_missing", False)) if by else [((), table)]
    for key, frame in keyed:
        if "window" not in case:
            yield list(key), None, frame
            continue
        frame = frame.sort_values("moment", kind="stable")
        size = span(case["window"])
        if "slide" not in case:
            for start, part in frame.groupby(pandas.Grouper(key="moment", freq=size, origin="epoch")):
                if len(part) or case.get("empty_windows"):
                    yield list(key), start, part
            continue
        slide = span(case["slide"])
        epoch = pandas.Timestamp(0, tz="UTC")
        start = epoch + ((frame["moment"].min() - size - epoch) // slide) * slide
        while start <= frame["moment"].max():
            part = frame[(frame["moment"] >= start) & (frame["moment"] < start + size)]
            if len(part):
                yield list(key), start, part
            start += slide


def plain(value):
    if value is None or pandas.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


def answer(case):
    columns = {name: [] for name in case.get("by", [])}
    if "window" in case:
        columns |= {"window_start": [], "window_end": []}
    columns |= {name: [] for name in case["measures"]}
    for key, start, frame in groups(case):
        for name, value in zip(case.get("by", []), key):
            columns[name].append(plain(value))
        if start is not None:
            for name, moment in (("window_start", start), ("window_end", start + span(case["window"]))):
                columns[name].append(moment.strftime("%Y-%m-%dT%H:%M:%SZ"))
        for name, text in case["measures"].items():
            columns[name].append(plain(measure(frame, text)))
    return list(columns.items())


print(json.dumps([answer(case) for case in question["cases"]]))

"""Joins by pandas, and by SQLite where gaps equal nothing."""

import io
import json
import sqlite3
import sys

import pandas

question = json.load(sys.stdin)
SUFFIXES = ("_left", "_right")


def read(name):
    return pandas.read_csv(io.StringIO(question[name]))


def plain(value):
    if value is None or pandas.isna(value):
        return None
    return value.item() if hasattr(value, "item") else value


def rows(frame):
    return {"names": list(frame.columns), "rows": [[plain(it) for it in row] for row in frame.to_numpy(object).tolist()]}


def by_pandas(case):
    left, right = read("left"), read("right")
    if case["how"] in ("semi", "anti"):
        keys = right[case["on"]].drop_duplicates()
        marked = left.merge(keys, on=case["on"], how="left", indicator=True)
        wanted = "both" if case["how"] == "semi" else "left_only"
        return rows(marked[marked["_merge"] == wanted].drop(columns="_merge"))
    return rows(left.merge(right, on=case["on"], how=case["how"], suffixes=SUFFIXES))


def by_sql(case):
    left, right = read("left"), read("right")
    names = list(zip(case.get("on") or case["left_on"], case.get("on") or case["right_on"]))
    database = sqlite3.connect(":memory:")
    left.to_sql("l", database, index=False)
    right.to_sql("r", database, index=False)
    equal = " AND ".join(f'l."{a}" = r."{b}"' for a, b in names)
    if case["how"] in ("semi", "anti"):
        word = "EXISTS" if case["how"] == "semi" else "NOT EXISTS"
        query = f"SELECT l.* FROM l WHERE {word} (SELECT 1 FROM r WHERE {equal})"
        return rows(pandas.read_sql_query(query, database))
    shared = {a for a, b in names if a == b}
    columns = []
    for name in left.columns:
        if name in shared:
            columns.append(f'COALESCE(l."{name}", r."{name}") AS "{name}"')
        else:
            columns.append(f'l."{name}" AS "{name}{SUFFIXES[0] if name in right.columns else ""}"')
    for name in right.columns:
        if name not in shared:
            columns.append(f'r."{name}" AS "{name}{SUFFIXES[1] if name in left.columns else ""}"')
    word = {"inner": "INNER", "left": "LEFT", "right": "RIGHT", "outer": "FULL OUTER"}[case["how"]]
    return rows(pandas.read_sql_query(f"SELECT {', '.join(columns)} FROM l {word} JOIN r ON {equal}", database))


def by_time(case):
    left, right = read("left"), read("right")
    in_time = lambda frame: frame.assign(moment=pandas.to_datetime(frame["at"])).sort_values("moment", kind="stable")
    left, right = in_time(left), in_time(right)
    joined = pandas.merge_asof(
        left,
        right.drop(columns="at"),
        on="moment",
        by=case.get("on"),
        direction=case["direction"],
        tolerance=pandas.Timedelta(case["tolerance"]) if case["tolerance"] else None,
        suffixes=SUFFIXES,
    )
    return rows(joined.drop(columns="moment"))


def answer(case):
    if "asof" in case:
        return by_time(case)
    return by_pandas(case) if case["null_keys"] == "pandas" else by_sql(case)


print(json.dumps([answer(case) for case in question["cases"]]))

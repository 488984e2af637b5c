"""Payloads: what is read as which type, and what is refused."""

import dataclasses
import datetime
import enum
import typing
import unittest

from weft_function import Fatal, Invalid
from weft_function._codec import decode, encode


class Colour(enum.Enum):
    RED = "red"


@dataclasses.dataclass
class Grape:
    name: str
    share: float = 1.0


@dataclasses.dataclass
class Wine:
    name: str
    year: int
    grapes: list[Grape]
    colour: Colour | None
    bottled: datetime.date | None = None
    notes: dict[str, str] = dataclasses.field(default_factory=dict)


class Options(typing.TypedDict, total=False):
    depth: typing.Required[int]
    kind: typing.Literal["a", "b"]


class Reading(unittest.TestCase):
    def refused(self, data, hint, code="bad-json"):
        with self.assertRaises(Invalid) as raised:
            decode(data, hint)
        self.assertEqual(raised.exception.code, code)
        return raised.exception.message

    def test_bytes_and_text_cross_as_they_are(self):
        self.assertEqual(decode(b"\xff\x00", bytes), b"\xff\x00")
        self.assertEqual(decode(b"{", str), "{")
        self.refused(b"\xff", str, "bad-text")

    def test_dataclasses_are_read_all_the_way_down(self):
        text = '{"name":"é","year":2001,"grapes":[{"name":"m","share":1}],"colour":"red","bottled":"2002-03-04","x":1}'
        wine = decode(text.encode(), Wine)
        self.assertEqual(wine, Wine("é", 2001, [Grape("m", 1.0)], Colour.RED, datetime.date(2002, 3, 4)))
        self.assertIsInstance(wine.grapes[0].share, float)

    def test_what_may_be_null_may_be_left_out(self):
        wine = decode(b'{"name":"a","year":1,"grapes":[]}', Wine)
        self.assertIsNone(wine.colour)

    def test_a_misfit_is_named_with_its_place(self):
        told = self.refused(b'{"name":"a","year":1,"grapes":[{"name":3}]}', Wine)
        self.assertEqual(told, "it.grapes[0].name should be text, not 3")
        self.assertIn("it.year", self.refused(b'{"name":"a","year":true,"grapes":[]}', Wine))
        self.assertIn("'red'", self.refused(b'{"name":"a","year":1,"grapes":[],"colour":"blue"}', Wine))
        self.refused(b'{"name":"a"}', Wine)
        self.refused(b"[1.5]", list[int])
        self.refused(b"[1]", tuple[int, int])

    def test_typed_dictionaries_and_choices(self):
        self.assertEqual(decode(b'{"depth":1,"kind":"a","more":2}', Options), {"depth": 1, "kind": "a"})
        self.assertIn("depth is missing", self.refused(b'{"kind":"a"}', Options))
        self.refused(b'{"depth":1,"kind":"c"}', Options)
        self.assertEqual(decode(b"3", int | str), 3)
        self.refused(b"[]", int | str)

    def test_nothing_reads_as_null(self):
        self.assertIsNone(decode(b""))
        self.assertIsNone(decode(b"", int | None))
        self.refused(b"", int)

    def test_what_is_no_json_is_the_senders_fault(self):
        for data in (b"{", b"\xff", b"NaN", b"[" * 100_000):
            self.refused(data, typing.Any)


class Writing(unittest.TestCase):
    def test_each_payload_has_its_media_type(self):
        self.assertEqual(encode(b"\x00"), (b"\x00", "application/octet-stream"))
        self.assertEqual(encode("é"), ("é".encode(), "text/plain; charset=utf-8"))
        self.assertEqual(encode({"a": [1, None]}), (b'{"a":[1,null]}', "application/json"))
        self.assertIsNone(encode(None))

    def test_dataclasses_enums_and_dates_are_written(self):
        wine = Wine("é", 1, [Grape("m")], Colour.RED, datetime.date(2002, 3, 4))
        data, _ = encode(wine)
        self.assertEqual(decode(data, Wine), wine)

    def test_what_json_cannot_say_is_the_functions_fault(self):
        for value in (float("nan"), object(), {"a": b"x"}, ["\ud800"]):
            with self.assertRaises(Fatal) as raised:
                encode(value)
            self.assertEqual(raised.exception.code, "bad-output")

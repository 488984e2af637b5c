"""What functions ask of the host, natively: buckets, sent events, configuration, tensors, runs."""

import tempfile
import unittest
from pathlib import Path

from weft_function import Fatal, Invalid, Output, Run, Transient, _native, config, fetch, keyvalue, model, publish


class Buckets(unittest.TestCase):
    def setUp(self):
        _native.buckets.clear()
        self.bucket = keyvalue.open("default")

    def test_values_are_json_or_bytes(self):
        self.bucket.set("a", {"n": 1})
        self.bucket.set("b", b"\x00")
        self.bucket.set("c", "text")
        self.assertEqual(self.bucket.get("a"), {"n": 1})
        self.assertEqual(self.bucket.get("b", bytes), b"\x00")
        self.assertEqual(self.bucket.get("c", str), "text")
        self.assertIsNone(self.bucket.get("nothing"))
        self.assertEqual(list(self.bucket.keys()), ["a", "b", "c"])
        self.bucket.delete("a")
        self.assertFalse(self.bucket.exists("a"))
        with self.assertRaisesRegex(Fatal, "the value of `c`"):
            self.bucket.get("c", int)

    def test_an_update_sees_what_came_between(self):
        others = iter([5])

        def change(seen):
            for other in others:
                keyvalue.open("default").set("n", other)
            return (seen or 0) + 1

        self.assertEqual(self.bucket.update("n", change), 6)
        self.assertEqual(self.bucket.increment("n", -2), 4)
        self.assertEqual(self.bucket.get("n", int), 4)

    def test_who_is_never_alone_gives_up(self):
        def change(seen):
            keyvalue.open("default").set("n", (seen or 0) + 10)
            return (seen or 0) + 1

        with self.assertRaises(Transient):
            self.bucket.update("n", change)

    def test_a_number_that_is_none_cannot_be_counted(self):
        self.bucket.set("n", "seven")
        with self.assertRaises(Transient):
            self.bucket.increment("n")

    def test_many_keys_are_one_call(self):
        self.bucket.set_many({"a": 1, "b": 2})
        self.assertEqual(self.bucket.get_many(["b", "x", "a"]), [2, None, 1])
        self.bucket.delete_many(["a", "b"])
        self.assertEqual(list(self.bucket.keys()), [])


class Others(unittest.TestCase):
    def test_what_is_sent_can_be_looked_at(self):
        publish.sent.clear()
        publish.send("alerts", [Output("hot", 91), Output("cold", -3)])
        self.assertEqual([(to, it.type, it.data) for to, it in publish.sent], [("alerts", "hot", 91), ("alerts", "cold", -3)])

    def test_configuration_is_what_a_test_gives(self):
        config.native = {"retries": " 3 "}
        self.assertEqual(config.parse("retries", int), 3)
        self.assertIsNone(config.get("password"))
        with self.assertRaises(Fatal) as raised:
            config.require("password")
        self.assertEqual(raised.exception.code, "config-not-granted")

    def test_what_goes_into_a_tensor_comes_out(self):
        cases = {"FP32": [1.5, -2.0], "FP64": [0.1], "INT64": [-(2**63), 7], "UINT8": [255], "BOOL": [True, False], "BYTES": ["", "é"]}
        for dtype, values in cases.items():
            tensor = model.Tensor("x", [len(values)], values, dtype)
            self.assertEqual(model.Tensor.unpack("x", dtype, tensor.shape, tensor.pack()), tensor)

    def test_tensors_that_do_not_fit_are_the_callers_fault(self):
        for tensor in (model.Tensor("x", [1], ["a"]), model.Tensor("x", [1], [300], "UINT8"), model.Tensor("x", [1], [1], "FP8")):
            with self.assertRaises(Invalid):
                tensor.pack()
        for dtype, data in (("FP32", b"\x00" * 3), ("BYTES", b"\x09\x00\x00\x00a"), ("BYTES", b"\x00\x00")):
            with self.assertRaises(Invalid):
                model.Tensor.unpack("x", dtype, [1], data)

    def test_natively_nothing_is_granted(self):
        with self.assertRaises(Fatal) as raised:
            model.infer("wine", [])
        self.assertEqual(raised.exception.code, "model-not-granted")
        with self.assertRaises(Fatal) as raised:
            fetch("https://api.example.com")
        self.assertEqual(raised.exception.code, "http-denied")

    def test_a_run_in_a_folder_is_a_run(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "in").mkdir()
            (folder / "in" / "data").write_text("x")
            run = Run.in_folder(folder, depth=3)
            self.assertEqual((run.params, run.input("data").read_text(), run.has_input("other")), ({"depth": 3}, "x", False))
            run.describe("out", "table", rows=1)
            run.param("chosen", {"a": 1})
            self.assertEqual(run.recorded.outputs, {"out": ("table", {"rows": 1})})
            with self.assertRaisesRegex(Fatal, "it has data"):
                run.input("nowhere")
            with self.assertRaises(Fatal):
                run.result("bad", float("nan"))

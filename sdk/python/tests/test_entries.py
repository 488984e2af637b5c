"""What the decorators make of functions, as the host would call them."""

import contextlib
import dataclasses
import io
import types
import unittest

from weft_function import Event, Fatal, Invalid, Output, Request, Response, Run, Transient, _entries, handler, http, job


@dataclasses.dataclass
class Order:
    cents: int


def event(data, kind="order.placed"):
    """An event as the bindings have it."""
    plain = {"subject": None, "time": None, "content_type": None, "key": None, "inlet": "", "extensions": []}
    return types.SimpleNamespace(id="1", source="test", type=kind, data=data, **plain)


class Entries(unittest.TestCase):
    def setUp(self):
        _entries.offered.clear()

    def answers(self, *payloads):
        """What the handler answers, as texts: payloads of outputs, or the code of the failure."""
        with contextlib.redirect_stderr(io.StringIO()):
            answers = _entries.ready("handler").answer([event(data) for data in payloads])
        return [it.code if isinstance(it, Exception) else [output.data for output in it] for it in answers]

    def test_an_event_is_typed_and_fails_alone(self):
        @handler
        def receipt(event: Event[Order]):
            if event.data.cents == 0:
                raise Invalid("nothing-sold")
            return {"euros": event.data.cents / 100}

        self.assertEqual(
            self.answers(b'{"cents":150}', b'{"cents":0}', b"{", b'{"cents":1}'),
            [[{"euros": 1.5}], "nothing-sold", "bad-json", [{"euros": 0.01}]],
        )
        self.assertEqual(receipt(Event("x", Order(100))), {"euros": 1.0})

    def test_a_handler_may_take_the_payload_alone(self):
        @handler
        def double(order: Order):
            return order.cents * 2

        self.assertEqual(self.answers(b'{"cents":2}'), [[4]])

    def test_a_handler_may_take_a_batch_as_a_whole(self):
        @handler
        def each(events: list[Event[int]]):
            return [Invalid("odd") if it.data % 2 else [Output("a", it.data), Output("b", 0)] for it in events]

        self.assertEqual(self.answers(b"2", b"x", b"3"), [[2, 0], "bad-json", "odd"])

    def test_a_wrong_number_of_answers_is_matched_to_nobody(self):
        @handler
        def fewer(events: list[Event[int]]):
            return [1]

        with self.assertRaises(Fatal):
            self.answers(b"1", b"2")

    def test_what_a_handler_returns_is_none_one_or_many(self):
        @handler
        def answer(event: Event[str]):
            match event.data:
                case "none":
                    return None
                case "list":
                    return []
                case "many":
                    return [Output("a", 1), Output("b", 2)]
                case "exit":
                    raise SystemExit(3)
            return 1 / 0

        self.assertEqual(self.answers(b"none", b"list", b"many", b"exit", b"?"), [[], [[]], [1, 2], "exit", "error"])

    def test_what_is_yielded_is_as_many_outputs(self):
        @handler
        def parts(event: Event[int]):
            for part in range(event.data):
                yield Output("part", part)

        self.assertEqual(self.answers(b"2", b"0"), [[0, 1], []])

    def test_a_server_answers_with_what_it_returns(self):
        @http
        def serve(request: Request):
            match request.path:
                case "/text":
                    return "é"
                case "/json":
                    return {"a": request.params}
                case "/none":
                    return None
                case "/status":
                    return Response(b"", 201, {"x-a": 1})
            raise Transient("later", "come back", retry_after=1.2)

        answer = lambda path, query=None: _entries.ready("http").answer(Request("GET", path, query))  # noqa: E731
        self.assertEqual(answer("/text"), (200, [("content-type", b"text/plain; charset=utf-8")], "é".encode()))
        self.assertEqual(answer("/json", "b=1&b=&c=%20")[2], b'{"a":{"b":["1",""],"c":[" "]}}')
        self.assertEqual(answer("/none"), (204, [], b""))
        self.assertEqual(answer("/status")[:2], (201, [("content-type", b"application/octet-stream"), ("x-a", b"1")]))
        status, headers, body = answer("/else")
        self.assertEqual((status, ("retry-after", b"2") in headers, b"later" in body), (503, True, True))

    def test_a_job_takes_params_by_name_or_as_a_whole(self):
        run = Run.in_folder("/nonexistent", depth=3, rate=1)

        @job
        def train(run: Run, depth: int, rate: float, more: str = "x"):
            return {"seen": [depth, rate, more]}

        _entries.ready("job").work(run)
        self.assertEqual(run.recorded.results, {"seen": [3, 1.0, "x"]})
        _entries.offered.clear()

        @dataclasses.dataclass
        class Params:
            depth: int

        @job
        def whole(params: Params, run: Run):
            run.metric("depth", params.depth, step=1)

        _entries.offered["job"].hints = lambda: {"params": Params, "run": Run}
        _entries.ready("job").work(run)
        self.assertEqual(run.recorded.metrics, [("depth", 3.0, 1)])

    def test_params_that_do_not_fit_are_the_callers_fault(self):
        @job
        def train(depth: int):
            raise AssertionError("never called")

        for params in ({"depth": "x"}, {}):
            with self.assertRaises(Invalid) as raised:
                _entries.ready("job").work(Run.in_folder("/nonexistent", **params))
            self.assertEqual(raised.exception.code, "bad-params")

    def test_what_cannot_be_an_entry_says_where_it_is(self):
        async def waits(event):
            return event

        with self.assertRaisesRegex(_entries.Mistake, r"test_entries\.py:\d+: `waits` must not be async"):
            handler(waits)
        http(lambda request: None)
        with self.assertRaisesRegex(_entries.Mistake, "a second @http"):
            http(lambda request: None)
        with self.assertRaisesRegex(_entries.Mistake, "no function is marked with @job"):
            _entries.ready("job")
        handler(lambda: None)
        with self.assertRaisesRegex(_entries.Mistake, "must take one parameter"):
            _entries.ready("handler")

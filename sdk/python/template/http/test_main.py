"""Runs natively: python -m unittest."""

import unittest

from weft_function import Request

from main import serve


class Greeting(unittest.TestCase):
    def test_a_guest_is_greeted_by_name(self):
        answer = serve(Request("POST", "/", body=b'{"name":"Ada"}'))
        self.assertEqual(answer, {"greeting": "Hello, Ada!"})

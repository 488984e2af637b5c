"""Runs natively: python -m unittest."""

import unittest

from weft_function import Event, Invalid

from main import Guest, greet


class Greeting(unittest.TestCase):
    def test_a_guest_is_greeted_by_name(self):
        output = greet(Event("guest.arrived", Guest("Ada")))
        self.assertEqual(output.data, {"greeting": "Hello, Ada!"})

    def test_nobody_is_called_nothing(self):
        with self.assertRaises(Invalid):
            greet(Event("guest.arrived", Guest("")))

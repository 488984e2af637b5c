"""Runs natively: python -m unittest."""

import tempfile
import unittest
from pathlib import Path

from weft_function import Run

from main import count_words


class Counting(unittest.TestCase):
    def test_the_most_frequent_word_comes_first(self):
        with tempfile.TemporaryDirectory() as name:
            folder = Path(name)
            (folder / "in").mkdir()
            (folder / "out").mkdir()
            (folder / "in" / "text").write_text("to be or not to be, TO!")
            run = Run.in_folder(folder)
            self.assertEqual(count_words(run, shortest=2), {"distinct": 4})
            self.assertEqual(run.recorded.metrics, [("words", 7.0, None)])
            table = (folder / "out" / "counts").read_text()
            self.assertEqual(table, "word,count\nto,3\nbe,2\nnot,1\nor,1\n")

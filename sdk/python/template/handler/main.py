"""Greets by name."""

from dataclasses import dataclass

from weft_function import Event, Invalid, Output, handler, log


@dataclass
class Guest:
    name: str


@handler
def greet(event: Event[Guest]) -> Output:
    name = event.data.name
    if not name:
        raise Invalid("no-name", "nobody is called nothing")
    log.info("somebody was greeted", name=name)
    return Output("guest.greeted", {"greeting": f"Hello, {name}!"})

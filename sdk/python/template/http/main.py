"""Greets over HTTP."""

from dataclasses import dataclass

from weft_function import Request, Response, http


@dataclass
class Guest:
    name: str


@http
def serve(request: Request):
    match request.method:
        case "GET":
            return 'POST {"name": …} to be greeted\n'
        case "POST":
            guest = request.json(Guest)
            return {"greeting": f"Hello, {guest.name}!"}
    return Response(status=405, headers=[("allow", "GET, POST")])

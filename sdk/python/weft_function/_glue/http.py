"""The export `wasi:http/incoming-handler`."""

from componentize_py_types import Ok

from .. import _bodies, _host, web
from ..failure import Invalid
from . import begin, end, entry

_http = _host.bindings("wasi_http_types")
_server = entry("http")


class IncomingHandler:
    """Called with one request."""

    def handle(self, request, response_out):
        begin()
        try:
            status, headers, data = _answer(request)
        finally:
            end()
        response = _http.OutgoingResponse(_http.Fields.from_list(headers))
        response.set_status_code(status)
        body = response.body()
        _http.ResponseOutparam.set(response_out, Ok(response))
        _bodies.write(body, data)


def _answer(request):
    try:
        found = _read(request)
    except _bodies.Broken as error:
        return web.problem(Invalid("bad-request", str(error))).written()
    return _server.answer(found)


def _read(request):
    path, mark, query = (request.path_with_query() or "").partition("?")
    method = _bodies.method_name(request.method())
    headers = _bodies.pairs(request.headers())
    return web.Request(method, path, query if mark else None, headers, _bodies.read(request))

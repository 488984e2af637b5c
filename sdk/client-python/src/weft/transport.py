"""HTTP to one host: who asks, what is tried again, and problems as exceptions."""

from __future__ import annotations

import random
import ssl
import time
from contextlib import contextmanager
from typing import Any, Iterator, Mapping

import httpx

from .contexts import Connection
from .errors import InvalidError, UnreachableError, of_response

#: How often a request is made at most.
ATTEMPTS = 4
#: The wait before the second attempt, in seconds; each further one is twice as long.
FIRST_WAIT = 0.2
#: The longest wait between two attempts, whatever the host asks for.
LONGEST_WAIT = 10.0
#: How many items one page of a list has at most.
PAGE = 100

_LATER = frozenset({429, 502, 503, 504})
_BY_NATURE = frozenset({"GET", "HEAD", "PUT"})


class Transport:
    """Requests to one host. Safe to share between threads."""

    def __init__(self, connection: Connection, timeout: float) -> None:
        self.connection = connection
        headers = {"user-agent": "weft-python/0.1.0"}
        if connection.token:
            headers["authorization"] = f"Bearer {connection.token}"
        try:
            # Like `fn`, by no proxy, and to nobody whom the host points to: the token is for this host alone.
            self._http = httpx.Client(
                base_url=connection.host,
                headers=headers,
                timeout=httpx.Timeout(timeout, connect=min(timeout, 10.0)),
                verify=_trust(connection.ca),
                trust_env=False,
                follow_redirects=False,
            )
        except (httpx.InvalidURL, UnicodeError) as error:
            raise InvalidError(f"`{connection.host}` is not the address of a host: {error}") from None

    def close(self) -> None:
        """Lets go of all connections."""
        self._http.close()

    def in_project(self, path: str) -> str:
        """``/api/v1/projects/<project>`` and what follows."""
        return f"/api/v1/projects/{self.connection.project}{path}"

    def send(
        self,
        method: str,
        path: str,
        *,
        params: Mapping[str, Any] | None = None,
        json: Any = None,
        content: Any = None,
        headers: Mapping[str, str] | None = None,
        again: bool | None = None,
        check: bool = True,
    ) -> httpx.Response:
        """One request and its answer, read whole.

        ``again`` says that making it twice changes nothing more than making it once; GET, HEAD and PUT are so by
        nature. Only those are tried again once they may have reached the host; a host that could not be connected to
        has seen nothing of any.
        """
        again = method in _BY_NATURE if again is None else again
        given = {name: value for name, value in (params or {}).items() if value is not None}
        request = self._http.build_request(
            method, path, params=given or None, json=json, content=content, headers=headers
        )
        for attempt in range(1, ATTEMPTS + 1):
            try:
                answer = self._http.send(request)
            except (httpx.ConnectError, httpx.ConnectTimeout) as error:
                if attempt == ATTEMPTS:
                    raise self._unreachable(error) from error
                _pause(attempt, None)
                continue
            except httpx.TransportError as error:
                if not again or attempt == ATTEMPTS:
                    raise self._broken(error) from error
                _pause(attempt, None)
                continue
            if answer.status_code in _LATER and again and attempt < ATTEMPTS:
                _pause(attempt, answer.headers.get("retry-after"))
                continue
            break
        if check and answer.is_error:
            raise of_response(answer.status_code, answer.content, answer.reason_phrase)
        return answer

    def json(self, method: str, path: str, **more: Any) -> Any:
        """One request whose answer is JSON."""
        answer = self.send(method, path, **more)
        try:
            return answer.json() if answer.content else None
        except ValueError as error:
            raise InvalidError("the host's answer is no JSON", hint="is the host of the same release?") from error

    def items(
        self, path: str, params: Mapping[str, Any] | None = None, limit: int | None = None
    ) -> Iterator[dict[str, Any]]:
        """The items of a list, page by page as they are asked for; ``limit`` of them at most."""
        left, after = limit, None
        while left is None or left > 0:
            size = PAGE if left is None else min(left, PAGE)
            page = self.json("GET", path, params={**(params or {}), "limit": size, "after": after})
            items = page["items"]
            yield from items if left is None else items[:left]
            after = page.get("next")
            if after is None:
                return
            left = None if left is None else left - len(items)

    @contextmanager
    def stream(
        self, path: str, params: Mapping[str, Any] | None = None, read_timeout: float | None = None
    ) -> Iterator[httpx.Response]:
        """The answer to a GET, to be read piece by piece."""
        timeout = self._http.timeout if read_timeout is None else httpx.Timeout(read_timeout, connect=10.0)
        given = {name: value for name, value in (params or {}).items() if value is not None}
        try:
            with self._http.stream("GET", path, params=given or None, timeout=timeout) as answer:
                if answer.is_error:
                    raise of_response(answer.status_code, answer.read(), answer.reason_phrase)
                yield answer
        except (httpx.ConnectError, httpx.ConnectTimeout) as error:
            raise self._unreachable(error) from error

    def _unreachable(self, error: Exception) -> UnreachableError:
        hint = "start one with `fn up`, or name another with weft.connect(url)"
        if "CERTIFICATE" in str(error).upper():
            hint = "say whom to trust with weft.connect(ca=FILE), or WEFT_CA"
        return UnreachableError(f"could not reach the host at {self.connection.host}: {error}", hint=hint)

    def _broken(self, error: Exception) -> UnreachableError:
        told = str(error) or type(error).__name__
        return UnreachableError(f"the answer of the host at {self.connection.host} broke off: {told}")


def _trust(ca: str | None) -> ssl.SSLContext | bool:
    if not ca:
        return True
    context = ssl.create_default_context()
    try:
        context.load_verify_locations(cafile=ca)
    except (OSError, ssl.SSLError) as error:
        raise InvalidError(f"could not read the certificate: {error}", place=ca) from None
    return context


def _pause(attempt: int, retry_after: str | None) -> None:
    wait = FIRST_WAIT * 2 ** (attempt - 1) * random.uniform(0.75, 1.25)
    try:
        wait = max(wait, float(retry_after or 0))
    except ValueError:
        pass  # A date: no host of ours sends one.
    time.sleep(min(wait, LONGEST_WAIT))

"""The HTTP port for Prometheus and orchestrators: /metrics, /healthz, /readyz.

A thread with the standard library's WSGI server and prometheus_client's application: a scrape is rare and small, and a
slow scraper then waits in its own thread, never in the event loop.
"""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterable
from socketserver import ThreadingMixIn
from typing import TYPE_CHECKING, Any
from wsgiref.simple_server import WSGIRequestHandler, WSGIServer

from prometheus_client import CollectorRegistry, make_wsgi_app
from prometheus_client.registry import Collector

from smsgate.settings import Address

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment


class _Handler(WSGIRequestHandler):
    timeout = 10  # seconds for a request line to come

    def log_message(self, *_: Any) -> None:
        """Scrapes are not news."""


class _Server(ThreadingMixIn, WSGIServer):
    daemon_threads = True

    def __init__(self, address: Address, inherited: socket.socket | None) -> None:
        where = (address.host, address.port)
        self.address_family = socket.getaddrinfo(*where, type=socket.SOCK_STREAM)[0][0]  # IPv4 is only the default
        super().__init__(where, _Handler, bind_and_activate=inherited is None)
        if inherited is not None:
            self.socket.close()
            self.socket = inherited
            self.server_name, self.server_port = self.socket.getsockname()[:2]
            self.setup_environ()
        self.socket.setblocking(False)  # of two generations that listen, one finds that the other has accepted


class AdminServer:
    """Serves until `close`, on a socket that an earlier generation listened on if there is one. Raises OSError, with the
    address in it, when that can't be listened on."""

    def __init__(
        self, address: Address, collector: Collector, ready: Callable[[], bool], inherited: socket.socket | None = None
    ) -> None:
        registry = CollectorRegistry(auto_describe=False)
        registry.register(collector)
        metrics: Callable[[WSGIEnvironment, StartResponse], Iterable[bytes]] = make_wsgi_app(registry)

        def application(environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
            path = environ.get("PATH_INFO", "/")
            if path == "/metrics":
                return metrics(environ, start_response)
            if path == "/healthz":
                return _plain(start_response, "200 OK", "alive\n")
            if path == "/readyz":
                return _plain(
                    start_response, *(("200 OK", "ready\n") if ready() else ("503 Service Unavailable", "not ready\n"))
                )
            return _plain(start_response, "404 Not Found", "try /metrics, /healthz or /readyz\n")

        try:
            self._server = _Server(address, inherited)
        except OSError as error:
            raise OSError(error.errno, f"{address}: {error.strerror}") from None
        self._server.set_app(application)
        self.address = Address(address.host, self._server.server_port)
        self._thread = threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.2}, daemon=True)
        self._thread.start()

    @property
    def socket(self) -> socket.socket:
        """The listening socket, for a later generation to inherit."""
        return self._server.socket

    def close(self) -> None:
        """Stop serving and free the port."""
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def _plain(start_response: StartResponse, status: str, text: str) -> Iterable[bytes]:
    start_response(status, [("Content-Type", "text/plain; charset=utf-8")])
    return [text.encode()]

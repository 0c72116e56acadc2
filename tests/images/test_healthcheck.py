"""The health check of images: what answers must say yes, and something must answer."""

from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from shared.adapters.embedded import free_port
from shared.adapters.healthcheck import is_healthy, ports


@contextmanager
def answering(status: int) -> Iterator[int]:
    """Something that answers so at a port."""

    class Answer(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status if self.path == "/readyz" else 404)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # its own name
            """Nothing is logged."""

    with HTTPServer(("127.0.0.1", 0), Answer) as server:
        serving = Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01})
        serving.start()
        try:
            yield server.server_port
        finally:
            server.shutdown()
            serving.join()


def test_an_api_alone_or_a_worker_alone_is_healthy_when_it_says_so() -> None:
    with answering(200) as port:
        assert is_healthy([port, free_port()])
        assert is_healthy([free_port(), port])


@pytest.mark.parametrize("status", [503, 500, 404])
def test_one_that_says_no_is_not(status: int) -> None:
    with answering(status) as port, answering(200) as other:
        assert not is_healthy([port, free_port()])
        assert not is_healthy([port, other])


def test_silence_is_not_health() -> None:
    assert not is_healthy([free_port(), free_port()])


def test_the_ports_are_the_environments() -> None:
    assert ports({}) == [8080, 9080]
    assert ports({"ORDERLINK_WORKER_PORT": "9011", "ORDERLINK_API_PORT": ""}) == [8080, 9011]

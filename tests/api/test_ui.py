"""`lakeline ui` where its port is not free."""

import socket
from pathlib import Path

import pytest

from tests.api.terminal import lakeline


@pytest.mark.slow
def test_a_taken_port_is_named_with_what_to_do_before_an_address_is_told(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        said = lakeline("ui", "--port", str(port), folder=tmp_path)
    assert (said.code, said.out) == (2, "")
    assert f"port {port} of MLflow's pages is held by process" in said.err
    assert "choose another port with --port" in said.err
    assert not (tmp_path / ".lakeline").exists()

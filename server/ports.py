"""An address that cannot be had is the commonest failed start: it deserves a sentence that says what to change."""

from __future__ import annotations


class AddressInUse(Exception):
    """The address cannot be listened on; the text names it and the variable that sets it."""

    def __init__(self, address: str, variable: str, because: str = "something else is listening there") -> None:
        super().__init__(f"cannot listen on {address}: {because}; end it, or set {variable} to another address")


def host_and_port(address: str) -> tuple[str, int]:
    """The parts of host:port or [v6]:port. Raises ValueError."""
    host, colon, port = address.rpartition(":")
    if not (host and colon and port.isascii() and port.isdigit() and int(port) < 65536):
        raise ValueError("must be host:port, such as 127.0.0.1:8080")
    return host.removeprefix("[").removesuffix("]"), int(port)

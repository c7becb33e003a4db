"""The policy catalogue: names, defaults, and what a body may say."""

import msgspec

from danbao.contracts.policy import CATALOGUE, service_of
from danbao.schemas.document import DIALECT, Json, sentence
from danbao.schemas.structs import struct_schema


def policies() -> Json:
    """Document `schemas/policies.json`."""
    return {
        "$comment": "Made from the code by `make schemas`. Version 0 of a policy is its defaults.",
        "policies": {
            name: {
                "defaults": msgspec.to_builtins(body()),
                "description": sentence(body.__doc__).split(": ", 1)[-1],
                "published_by": f"{service_of(name)}.publish_policy.v1",
                "schema": {"$schema": DIALECT, "$id": f"danbao:policies/{name}"}
                | struct_schema(body),
            }
            for name, body in CATALOGUE.items()
        },
    }

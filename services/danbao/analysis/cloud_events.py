"""Events of the log as CloudEvents in JSON, one on a line."""

import msgspec

from danbao.kernel.messages import LogRow
from danbao.kernel.records import event_headers

_encode = msgspec.json.Encoder(order="deterministic").encode


def cloud_event(row: LogRow) -> str:
    """One event as a CloudEvent in JSON, with the attributes that its Kafka record has.

    `prevsequence` is missing: it belongs to a partition of a topic.
    """
    attributes: dict[str, object] = {
        name.removeprefix("ce_"): value.decode()
        for name, value in event_headers(row, previous=0)
        if name.startswith("ce_") and name != "ce_prevsequence"
    }
    attributes["datacontenttype"] = "application/json"
    return _encode(attributes | {"data": msgspec.Raw(row.data.encode())}).decode()

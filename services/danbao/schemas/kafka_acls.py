"""`infra/kafka/acls.yaml`: the rights in Kafka, for tools that read files."""

from itertools import groupby
from typing import Final

from danbao.kernel.kafka.acls import declared_acls

PATH: Final = "infra/kafka/acls.yaml"
HEAD: Final = """\
# Made by `make schemas` from services/danbao/kernel/kafka/acls.py.
# A user for each process, by SCRAM-SHA-512; every entry is a grant.
# `danbao kafka-acls` prints them as calls of kafka-acls.sh, `danbao kafka-acls --apply` makes them.
users:
"""


def kafka_acls() -> dict[str, str]:
    """The file, by its path below the repository's root."""
    lines = [HEAD]
    for user, grants in groupby(declared_acls(), lambda grant: grant.user):
        lines.append(f"  {user}:\n")
        for grant in grants:
            operations = ", ".join(grant.operations)
            lines.append(
                f"    - {{{grant.resource}: {grant.name}, pattern: {grant.pattern},"
                f" operations: [{operations}]}}\n"
            )
    return {PATH: "".join(lines)}

"""What `danbao recover` found, as a value for programs and as a page for people."""

from typing import Any

import asyncpg

from danbao.cli.format import page, plain_table
from danbao.kernel.records import time_text as json_time
from danbao.recovery.kafka_lost import Damage
from danbao.recovery.postgres_older import Tail

SHOWN_MAX = 20


def damage_report(damage: Damage, answers: list[asyncpg.Record]) -> dict[str, Any]:
    """What was found, what is done about it, and what nobody can know."""
    lost = damage.lost_commands
    last = {row["service"]: row["last_at"] for row in answers}
    events = damage.events | {
        name: f"has {count} partitions, not {damage.partitions}"
        for name, count in damage.resized.items()
    }
    return {
        "head": damage.head,
        "partitions": damage.partitions,
        "missing": damage.missing,
        "damaged": events,
        "made_anew": sorted({*damage.to_publish, *damage.missing, *damage.resized}),
        "read_from_the_start": {
            topic: [
                {
                    "partition": misfit.standing.place.partition,
                    "handled_up_to": misfit.standing.offset.next_offset,
                    "goes_on_at": misfit.begin,
                    "problem": misfit.problem,
                    "lost": misfit.lost,
                }
                for misfit in misfits
            ]
            for topic, misfits in lost.items()
        },
        "send_again": {
            topic.split(".")[1]: json_time(at) if (at := last.get(topic.split(".")[1])) else None
            for topic in lost
        },
    }


def show_damage(report: dict[str, Any]) -> None:
    """The page for people."""
    console = page()
    console.print(f"the log ends at position {report['head']:,}")
    found = plain_table("topic", "found", title="Found")
    for name in report["missing"]:
        found.add_row(name, "it is gone")
    for name, problem in report["damaged"].items():
        found.add_row(name, problem)
    for name, misfits in report["read_from_the_start"].items():
        for each in misfits:
            found.add_row(f"{name}/{each['partition']}", each["problem"])
    if found.row_count:
        console.print(found)
    if report["made_anew"]:
        console.print(f"to be made anew: {', '.join(report['made_anew'])}")
        console.print("events topics get every event of the log; services go on where they were")
    if report["send_again"]:
        console.print(
            "\nWhat nobody can know: commands that Kafka took and no service read.\n"
            "Ask upstream to send again what it sent and has no answer for, under the same ids;\n"
            "what was answered is not done twice. The last answers were:"
        )
        for service, at in report["send_again"].items():
            console.print(f"  {service}: {at or 'never'}")


def tail_report(tail: Tail) -> dict[str, Any]:
    """What comes back, and where services go on."""
    return {
        "head": tail.head,
        "incarnation": str(tail.incarnation),
        "end": tail.rows[-1].position if tail.rows else tail.head,
        "from": json_time(tail.rows[0].recorded_at) if tail.rows else None,
        "to": json_time(tail.rows[-1].recorded_at) if tail.rows else None,
        "events": len(tail.rows),
        "answers": len(tail.answers),
        "answers_without_body": tail.unknown_bodies,
        "partitions_moved": len(tail.handled.moves),
        "events_tried_again": len(tail.handled.letters),
        "letters_settled": len(tail.handled.settled),
        "unread_commands_deleted": {
            f"{misfit.standing.place.topic}/{misfit.standing.place.partition}": misfit.lost
            for misfit in tail.misfits
        },
    }


def show_tail(report: dict[str, Any]) -> None:
    """The page for people."""
    console = page()
    console.print(f"the log ends at position {report['head']:,}")
    if not report["events"]:
        return
    table = plain_table("what", "count", title="To bring back", right=("count",))
    table.add_row(f"events, up to position {report['end']:,}", f"{report['events']:,}")
    table.add_row("answers to commands", f"{report['answers']:,}")
    table.add_row("partitions in which a service had read on", f"{report['partitions_moved']:,}")
    table.add_row("events that are tried again", f"{report['events_tried_again']:,}")
    table.add_row("dead letters that were settled", f"{report['letters_settled']:,}")
    console.print(table)
    console.print(f"recorded from {report['from']} to {report['to']}")
    if lost := report["answers_without_body"]:
        console.print(
            f"\n{len(lost)} commands were answered, but nobody has their bodies any more; whatever"
            f" comes under their ids counts as answered: {', '.join(lost[:SHOWN_MAX])}"
        )
    for place, count in report["unread_commands_deleted"].items():
        console.print(f"{place}: {count} offsets were deleted before they were read")

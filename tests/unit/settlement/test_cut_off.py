"""When windows close by themselves: each day at the local time of the policy."""

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given as for_all
from hypothesis import settings
from hypothesis import strategies as st

from danbao.contracts.policy import SettlementCutOff
from danbao.settlement.merchant import next_cut_off

ZONES = (
    "Asia/Shanghai",
    "UTC",
    "America/New_York",
    "Europe/Berlin",
    "Australia/Lord_Howe",
    "America/Havana",
    "Asia/Kathmandu",
    "Pacific/Apia",
)
moments = st.timedeltas(timedelta(0), timedelta(days=20_000)).map(
    lambda since: datetime(2005, 1, 1, tzinfo=UTC) + since
)
policies = st.builds(
    lambda hour, minute, zone: SettlementCutOff(time=f"{hour:02}:{minute:02}", time_zone=zone),
    st.integers(0, 23),
    st.integers(0, 59),
    st.sampled_from(ZONES),
)


def has_clock_time(moment: datetime, policy: SettlementCutOff) -> bool:
    """Tell whether a local clock shows the policy's time at the moment."""
    return f"{moment.astimezone(ZoneInfo(policy.time_zone)):%H:%M}" == policy.time


def is_skipped(moment: datetime, policy: SettlementCutOff) -> bool:
    """Tell whether the clock is put forward over the policy's time on the day of the moment."""
    hour, minute = map(int, policy.time.split(":"))
    day = moment.astimezone(ZoneInfo(policy.time_zone))
    wanted = day.replace(hour=hour, minute=minute, fold=0)
    return not has_clock_time(wanted.astimezone(UTC), policy)


@settings(deadline=None, max_examples=400)
@for_all(moments, policies)
def test_the_next_cut_off_is_in_the_future_and_at_the_local_time(
    now: datetime, policy: SettlementCutOff
) -> None:
    """Merchants know when their day ends, in every zone, summer and winter."""
    cut_off = next_cut_off(now, policy)

    assert cut_off is not None
    assert now < cut_off <= now + timedelta(hours=26)
    assert cut_off.utcoffset() == timedelta(0)
    assert has_clock_time(cut_off, policy) or is_skipped(cut_off, policy)


@settings(deadline=None, max_examples=100)
@for_all(moments, policies)
def test_cut_offs_follow_one_another_without_standing_still(
    now: datetime, policy: SettlementCutOff
) -> None:
    """A window that opens at a cut-off closes at the next one, about a day later."""
    first = next_cut_off(now, policy)
    assert first is not None

    second = next_cut_off(first, policy)

    assert second is not None
    assert timedelta(0) < second - first <= timedelta(hours=26)


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-02T01:00:00", "2026-03-02T16:00:00"),
        ("2026-03-02T15:59:59.999999", "2026-03-02T16:00:00"),
        ("2026-03-02T16:00:00", "2026-03-03T16:00:00"),
    ],
)
def test_the_default_is_midnight_in_shanghai(now: str, expected: str) -> None:
    """Exactly at midnight the new day has begun."""
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert next_cut_off(moment, SettlementCutOff()) == datetime.fromisoformat(expected).replace(
        tzinfo=UTC
    )


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-03-28T23:00:00", "2026-03-29T01:30:00"),  # 02:30 does not exist: 03:30 summer time
        ("2026-03-29T01:30:00", "2026-03-30T00:30:00"),
        ("2026-10-24T22:00:00", "2026-10-25T00:30:00"),  # 02:30 comes twice: the first one
        ("2026-10-25T00:30:00", "2026-10-26T01:30:00"),
    ],
)
def test_a_clock_that_is_put_forward_or_back_gives_one_cut_off_a_day(
    now: str, expected: str
) -> None:
    """A day of 23 or 25 hours is a day."""
    policy = SettlementCutOff(time="02:30", time_zone="Europe/Berlin")
    moment = datetime.fromisoformat(now).replace(tzinfo=UTC)

    assert next_cut_off(moment, policy) == datetime.fromisoformat(expected).replace(tzinfo=UTC)


def test_a_policy_may_switch_it_off() -> None:
    """Then windows close by command only."""
    now = datetime(2026, 3, 2, tzinfo=UTC)

    assert next_cut_off(now, SettlementCutOff(enabled=False)) is None

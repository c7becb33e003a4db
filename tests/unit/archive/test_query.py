"""Questions in SQL, without a server."""

import pyarrow as pa
import pytest

from danbao.archive.query import QueryError, Questions, mentioned


def test_only_models_that_a_question_names_are_brought_in() -> None:
    """A million rows that nobody asked about are not moved."""
    sql = 'SELECT * FROM Trades t JOIN "payments" p USING (trade_id)'

    assert mentioned(sql, ["trades", "payments", "payouts"]) == ["trades", "payments"]


def test_a_model_is_a_table_of_the_question() -> None:
    """Brought in by Arrow, it is asked like any table; sums of whole numbers stay whole."""
    questions = Questions()
    questions.add_model("trades", pa.table({"state": ["a", "a", "b"], "held_minor": [1, 2, 3]}))

    answer = questions.ask(
        "SELECT state, sum(held_minor) AS held FROM trades GROUP BY 1 ORDER BY 1"
    )

    assert [(row["state"], int(row["held"])) for row in answer.to_pylist()] == [("a", 3), ("b", 3)]


def test_a_question_may_take_several_statements() -> None:
    """The last one is the answer."""
    answer = Questions().ask("CREATE TABLE t AS SELECT 7 AS a; SELECT a FROM t")

    assert answer.to_pylist() == [{"a": 7}]


def test_a_wrong_question_is_refused_in_duckdbs_words() -> None:
    """It knows best where the mistake is."""
    with pytest.raises(QueryError, match="nosuch"):
        Questions().ask("SELECT * FROM nosuch")

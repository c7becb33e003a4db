"""All read models that have a table; views of the log are in the migrations."""

from danbao.readmodels import (
    account_balances,
    merchant_statement,
    payments,
    payouts,
    settlement_windows,
    trades,
)
from danbao.readmodels.model import ReadModel

READ_MODELS: tuple[ReadModel, ...] = (
    account_balances.MODEL,
    merchant_statement.MODEL,
    payments.MODEL,
    payouts.MODEL,
    settlement_windows.MODEL,
    trades.MODEL,
)

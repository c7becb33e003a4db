"""Why a proof is not made: the answer is no."""

from danbao.analysis.errors import NotThereError


class PositionUnknownError(NotThereError):
    """The log does not go so far."""

    code = "position_unknown"


class TradeUnknownError(NotThereError):
    """The log has no trade of that id."""

    code = "trade_unknown"


class NotSignedYetError(NotThereError):
    """No checkpoint covers what is to be proved."""

    code = "not_signed_yet"
    todo = "The next checkpoint comes within seconds while `checkpointer` runs: `danbao doctor`."


class CheckpointUnknownError(NotThereError):
    """No checkpoint of that size was signed."""

    code = "checkpoint_unknown"


class SignerUnknownError(NotThereError):
    """The checkpoint is signed by a key that is not in this home."""

    code = "key_unknown"
    todo = "Bring back DANBAO_HOME/keys, or wait for a checkpoint of the key that signs now."


class LogChangedError(NotThereError):
    """The log is not what was signed: nothing about it can be proved."""

    code = "log_rewritten"
    todo = "`danbao verify` names what was changed."

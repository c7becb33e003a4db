"""Why nothing is signed: an operator must look."""

from danbao.kernel.errors import StopError


class KeyMissingError(StopError):
    """There is no private key for this log in this home."""

    code = "key_missing"
    todo = (
        "Bring back DANBAO_HOME/keys from where you keep it, or make a key: `danbao keys generate`."
    )


class KeyExistsError(StopError):
    """There is a key already; a second one would only confuse those who check."""

    code = "key_exists"
    todo = "`danbao keys show` prints its public part; `danbao keys rotate` replaces it."


class KeyUnsafeError(StopError):
    """Others than its owner may read a private key, or the file is none."""

    code = "key_unsafe"
    todo = "If nobody read it, `chmod 600` it; else replace it with `danbao keys rotate`."


class LogRewrittenError(StopError):
    """The log is not what was signed."""

    code = "log_rewritten"
    todo = "Do not start over: `danbao verify` names what was changed."


class LogShorterError(StopError):
    """The log ends before what was signed."""

    code = "log_shorter_than_signed"
    todo = (
        "Bring the tail back with `danbao recover postgres-older`. If it is lost for good, the "
        "signed history ends here: `danbao keys generate --new-history` begins another."
    )


class CheckpointBrokenError(StopError):
    """A checkpoint that was kept is none, or carries a signature that is wrong."""

    code = "checkpoint_broken"
    todo = "Somebody wrote to it: `danbao verify` compares all that were kept."

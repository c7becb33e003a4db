"""The answer is no: what is asked for is not there."""

from danbao.kernel.errors import DanbaoError


class NotThereError(DanbaoError):
    """A position, a time, an account or a merchant that the log does not know."""

    code = "not_there"

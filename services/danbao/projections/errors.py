"""Errors about read models."""

from danbao.kernel.errors import DanbaoError


class UnknownModelError(DanbaoError):
    """A name that is no read model's."""

    code = "unknown_projection"
    todo = "`danbao projections list` has the names."

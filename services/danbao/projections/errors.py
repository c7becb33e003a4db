"""Errors about read models."""

from danbao.kernel.errors import DanbaoError


class ProjectionError(DanbaoError):
    """What is asked for cannot be done with this read model as it stands."""

    code = "projection_refused"


class UnknownModelError(ProjectionError):
    """A name, or a version of it, that is no read model of this code."""

    code = "unknown_projection"
    todo = "`danbao projections list` has the names."


class SchemaTakenError(ProjectionError):
    """A schema that holds something else is never written into."""

    code = "schema_taken"
    todo = "Choose the name of a schema that does not exist yet."

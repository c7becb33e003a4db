"""Why a measurement does not count."""

from danbao.kernel.errors import DanbaoError


class VoidError(DanbaoError):
    """The run is void: something was lost, doubled, refused or left over."""

    code = "benchmark_void"
    todo = "See the logs in the home that is named above; nothing of this run may be quoted."

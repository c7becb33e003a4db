"""What is wrong with an archive."""

from danbao.kernel.errors import DanbaoError


class ArchiveError(DanbaoError):
    """The folder is no archive, is another's, is in use, or says something else than it did."""

    code = "archive_unfit"

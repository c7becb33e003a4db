"""Why a what-if cannot be answered at all."""

from danbao.kernel.errors import DanbaoError


class PolicyFileError(DanbaoError):
    """The file says no policies: broken JSON, an unknown name, a body that does not fit."""

    code = "policy_file_broken"
    todo = 'Write {"policy": "settlement.fee", "body": {"fee_bps": 80}}, or a list of such.'

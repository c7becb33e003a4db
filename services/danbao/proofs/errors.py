"""Why a proof, a checkpoint or a key is not accepted."""


class ProofError(Exception):
    """It does not prove what it says; `code` is stable."""

    code = "proof_refused"


class MalformedError(ProofError):
    """It is not in the form that the format asks for, to the byte."""

    code = "proof_malformed"


class UnknownKeyError(ProofError):
    """No key that is trusted has signed it."""

    code = "key_unknown"


class SignatureError(ProofError):
    """A trusted key's signature does not fit the text."""

    code = "signature_wrong"


class InconsistentError(ProofError):
    """Two trees, or a leaf and a tree, do not belong together."""

    code = "proof_wrong"

"""How hard the property tests try: `dev` on a desk, `ci` at length and the same on every run.

`HYPOTHESIS_PROFILE` names one; without it a CI machine, which sets `CI`, takes `ci`.
"""

import os

from hypothesis import settings

settings.register_profile("dev", max_examples=50, deadline=None)
settings.register_profile(
    "ci", max_examples=500, deadline=None, derandomize=True, database=None, print_blob=True
)
settings.load_profile(
    os.environ.get("HYPOTHESIS_PROFILE") or ("ci" if os.environ.get("CI") else "dev")
)

"""For all tests."""

import os

# Compiled programs are neither read from the user's cache nor kept there.
os.environ["WENGERT_CACHE"] = "off"

# pytest imports `src/wengert/show/...` by path; the package must have been imported as a whole
# before, for `wengert.show` to be the function.
import wengert  # noqa: F401

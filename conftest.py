"""For all tests."""

# pytest imports `src/wengert/show/...` by path; the package must have been imported as a whole
# before, for `wengert.show` to be the function.
import wengert  # noqa: F401

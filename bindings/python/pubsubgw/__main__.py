"""`python -m pubsubgw`, and the program `pubsubgw`: a whole gateway without a line of code."""

import sys

from ._program import main

if __name__ == "__main__":
    sys.exit(main())

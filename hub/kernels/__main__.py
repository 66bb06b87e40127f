"""`python -m hub.kernels FD`: a parent of kernels, talking over the socket that it inherited as FD."""

import sys

from hub.kernels.parent import main

main(int(sys.argv[1]))

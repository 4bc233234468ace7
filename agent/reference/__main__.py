"""`python -m agent.reference DIRECTORY`."""

import sys

from agent.reference import main

sys.exit(main(sys.argv[1:]))

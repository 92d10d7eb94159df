"""The committed filters of the decimator are those that the generator writes."""

import sys

import toolchain


def test_a5_the_committed_taps_are_those_of_the_script() -> None:
    toolchain.run(
        [sys.executable, "firmware/core/signal/decimator_taps_generator.py", "--check"], toolchain.PROJECT
    )

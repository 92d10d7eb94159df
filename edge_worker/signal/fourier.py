"""Fourier transform of many frames at once: scipy's, or numpy's where scipy is not installed.

scipy's takes a fifth of the time, which counts in the worker. It is 100 MB, which count in the image of the
history API: all that it transforms are pictures.
"""

try:
    from scipy.fft import irfft, next_fast_len, rfft
except ImportError:
    from numpy.fft import irfft, rfft

    def next_fast_len(target: int, real: bool = False) -> int:
        """Return the next power of two from `target` on: fast on any processor."""
        return 1 << (target - 1).bit_length()


__all__ = ["irfft", "next_fast_len", "rfft"]

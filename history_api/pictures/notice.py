"""The notices that every picture and every report carries."""

from typing import Final

NOTICE: Final = "Research and education, not a medical device."
LABEL_NOTICE: Final = f"Labels describe a sound: not a diagnosis. {NOTICE}"

"""The store of sounds: the one door to the WAV files of recordings, in a directory or elsewhere."""

"""Mel-frequency cepstral coefficients (MFCC), equal to librosa's."""

import scipy.fft

from edge_worker.signal.arrays import Float32Array


def mfcc(log_mel_db: Float32Array, n_mfcc: int) -> Float32Array:
    """Return the first `n_mfcc` coefficients of a log-mel spectrogram (frames, n_mels): (frames, n_mfcc).

    Orthonormal DCT-II of each frame; equal to `librosa.feature.mfcc(S=log_mel_db.T).T`.
    """
    coefficients: Float32Array = scipy.fft.dct(log_mel_db, axis=1, type=2, norm="ortho")[:, :n_mfcc]
    return coefficients

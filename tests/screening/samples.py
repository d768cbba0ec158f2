"""Evidence by hand."""

from dataclasses import fields
from pathlib import Path

import numpy as np
import torch

from unlearnleak.adversary.evidence import Confidences, DotProducts, LabeledFeatures, Margins, Predictions, Scores

CONF = Path(__file__).resolve().parents[2] / "conf" / "screening"


KINDS = {kind.kind: kind for kind in (Confidences, DotProducts, Margins, Predictions, Scores)}


def made(kind, samples_KMF, **parts):
    """Evidence of a class with these samples; of its other fields those that are not given say nothing."""
    classes = len(samples_KMF)
    empty = {
        "samples_KMF": samples_KMF,
        "aligned_KMF": samples_KMF,
        "calibration": LabeledFeatures(samples_KMF[None], torch.zeros(1, classes, dtype=torch.bool)),
        "images_KCHW": torch.zeros(classes, 1, 2, 2),
        "before_KP": torch.ones(classes, samples_KMF.shape[1]),
        "accepted_K": torch.ones(classes, dtype=torch.int64),
    }
    known = {field.name for field in fields(kind)}
    return kind(**{name: value for name, value in (empty | parts).items() if name in known})


def score_evidence(values, kind="score"):
    """[K] values, or [K, M] samples."""
    samples = torch.tensor(np.asarray(values), dtype=torch.float32)
    return made(KINDS[kind], samples.reshape(len(samples), -1, 1))


def prediction_evidence(*restarts):
    """Probability matrices [K, K] (row: the class asked for), the best restart first."""
    p_KMF = torch.stack([torch.as_tensor(matrix, dtype=torch.float64) for matrix in restarts], 1)
    assert torch.allclose(p_KMF.sum(2), torch.ones(1, dtype=torch.float64))
    return made(Predictions, p_KMF.log().float())


def asked(p_K):
    """Vectors with p_c for the class asked for and the rest spread evenly."""
    p_K = torch.tensor(p_K, dtype=torch.float64)
    rest_K1 = ((1 - p_K) / (len(p_K) - 1))[:, None]
    return torch.where(torch.eye(len(p_K), dtype=torch.bool), p_K[:, None], rest_K1)


def named(verdict):
    return set(verdict.forgotten_K.nonzero()[:, 0].tolist())

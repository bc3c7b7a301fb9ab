"""Which device a job computes on, and what it says of it."""

import logging

import pytest
import torch

from groundscope.encoders.execution import find_device
from groundscope.errors import UserError


@pytest.fixture(autouse=True)
def without_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Hide a GPU, and what a scheduler says of one."""
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    for name in ("SLURM_JOB_GPUS", "CUDA_VISIBLE_DEVICES"):
        monkeypatch.delenv(name, raising=False)


@pytest.mark.parametrize("name", ["SLURM_JOB_GPUS", "CUDA_VISIBLE_DEVICES"])
def test_a_gpu_that_cannot_be_used_is_no_secret(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    """A job that was given one, as with a driver that is too old, warns and goes on."""
    caplog.set_level(logging.WARNING)
    assert find_device("auto").type == "cpu"
    assert not caplog.records
    monkeypatch.setenv(name, "3")
    assert find_device("cpu").type == "cpu"
    assert not caplog.records
    assert find_device("auto").type == "cpu"
    assert "was given a GPU (3) that torch" in caplog.text


def test_a_gpu_that_was_asked_for_is_needed() -> None:
    """``--device cuda`` does not fall back."""
    with pytest.raises(UserError, match="no GPU is visible"):
        find_device("cuda")

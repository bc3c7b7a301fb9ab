"""Products of float32: linear maps by oneDNN, against torch's in double precision, and no TF32."""

from collections.abc import Iterator
from contextlib import nullcontext
from typing import Any

import pytest
import torch
import transformers
from torch.nn import functional

from groundscope.encoders.base import Request
from groundscope.encoders.execution import LayerStore
from groundscope.encoders.pooling import WordPooler
from groundscope.encoders.products import OneDnnLinear

HF: Any = transformers  # largely untyped


@pytest.mark.parametrize("shape", [(5, 7, 48), (33, 48), (1, 1, 48)])
@pytest.mark.parametrize("bias", [True, False])
def test_values_are_those_of_double_precision(shape: tuple[int, ...], *, bias: bool) -> None:
    """Any number of axes, with and without a bias; a slice of a tensor, too."""
    generator = torch.Generator().manual_seed(0)
    x = torch.randn(*shape, generator=generator)
    wide = torch.randn(20, 96, generator=generator)
    offset = torch.randn(20, generator=generator) if bias else None
    for weight in (wide[:, :48], wide[:, ::2]):
        given = (x, weight) if offset is None else (x, weight, offset)
        exact = functional.linear(*(each.double() for each in given))
        with torch.inference_mode(), OneDnnLinear():
            found = functional.linear(*given)
        assert found.dtype == torch.float32
        torch.testing.assert_close(found.double(), exact, rtol=1e-5, atol=1e-5)


def test_other_precisions_are_left_alone() -> None:
    """Double precision stays what torch gives, to the bit."""
    generator = torch.Generator().manual_seed(0)
    x, weight = torch.randn(2, 9, 9, generator=generator, dtype=torch.float64)
    with OneDnnLinear():
        assert (functional.linear(x, weight) == x @ weight.T).all()


def test_a_model_that_multiplies_with_weights_itself() -> None:
    """WavLM's attention hands weights to torch, past its linear modules; the output is the same."""
    size = {"hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 2}
    torch.manual_seed(0)
    model = HF.WavLMModel(HF.WavLMConfig(**size, intermediate_size=64, conv_dim=(16,) * 7)).eval()
    waves = torch.randn(3, 4000)
    with torch.inference_mode():
        wanted = model(waves).last_hidden_state
        with OneDnnLinear():
            found = model(waves).last_hidden_state
    torch.testing.assert_close(found, wanted, rtol=1e-4, atol=1e-5)


@pytest.fixture
def tf32_everywhere() -> Iterator[tuple[Any, Any]]:
    """Give torch's settings of convolutions, as they are, and of linear maps, as some have them."""
    backends: Any = torch.backends  # untyped
    kinds = backends.cudnn.conv, backends.cuda.matmul
    before = kinds[1].fp32_precision
    kinds[1].fp32_precision = "tf32"
    yield kinds
    kinds[1].fp32_precision = before


@pytest.mark.parametrize(
    ("device", "precision"), [("cuda", "float32"), ("cpu", "float32"), ("cpu", "bfloat16")]
)
@pytest.mark.parametrize("fails", [False, True])
def test_products_of_float32_do_without_tf32(
    tf32_everywhere: tuple[Any, Any], device: str, precision: str, *, fails: bool
) -> None:
    """While a model runs, and no longer, whatever becomes of it and whatever the environment is."""
    kinds, before = tf32_everywhere, ["tf32", "tf32"]
    request = Request("tiny", None, {"precision": precision}, (), torch.device(device))
    seen: list[str] = []

    def forward() -> None:
        seen.extend(kind.fp32_precision for kind in kinds)
        functional.conv1d(torch.ones(1, 1, 3), torch.ones(1, 1, 2))
        if fails:
            raise torch.OutOfMemoryError

    pooler = WordPooler([], "mean", whole_inputs=True)
    with pytest.raises(torch.OutOfMemoryError) if fails else nullcontext():
        LayerStore(request, 0).run(pooler, [], forward)
    assert seen == (["ieee", "ieee"] if precision == "float32" else before)
    assert [kind.fp32_precision for kind in kinds] == before

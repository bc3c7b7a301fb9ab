"""Speech encoders against the plain transformers call, one clip at a time."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pytest
import torch
import transformers
from numpy.typing import NDArray

from groundscope.checkpoints import Checkpoint
from groundscope.encoders.extraction import Extraction

HF: Any = transformers  # largely untyped
SIZE = {
    "hidden_size": 24,
    "num_hidden_layers": 3,
    "num_attention_heads": 4,
    "intermediate_size": 32,
    "conv_dim": [12] * 7,
    "num_conv_pos_embeddings": 16,
    "num_conv_pos_embedding_groups": 4,
}
PRE_NORM = {"do_stable_layer_norm": True, "feat_extract_norm": "layer", "conv_bias": True}
MODELS: dict[str, tuple[Any, dict[str, Any]]] = {
    "wav2vec2": (HF.Wav2Vec2Config, {}),
    "wav2vec2-pre-norm": (HF.Wav2Vec2Config, PRE_NORM),
    "wav2vec2-adapters": (HF.Wav2Vec2Config, {**PRE_NORM, "adapter_attn_dim": 4}),
    "hubert": (HF.HubertConfig, {}),
    "hubert-batch-norm": (HF.HubertConfig, {"conv_pos_batch_norm": True}),
    "hubert-pre-norm": (HF.HubertConfig, PRE_NORM),
    "wavlm": (HF.WavLMConfig, {"num_buckets": 32, "max_bucket_distance": 20}),
    "wavlm-pre-norm": (HF.WavLMConfig, PRE_NORM),
    "data2vec": (
        HF.Data2VecAudioConfig,
        {"num_conv_pos_embeddings": 3, "conv_pos_kernel_size": 5},
    ),
    "unispeech": (HF.UniSpeechConfig, {}),
    "unispeech-sat": (HF.UniSpeechSatConfig, {}),
    "unispeech-sat-pre-norm": (HF.UniSpeechSatConfig, PRE_NORM),
}
LAYERS = ("0", "1", "2", "3")
Recordings = list[tuple[Path, NDArray[np.float32]]]
Extract = Callable[..., Extraction]
AsCheckpoint = Callable[[Path], Checkpoint]
MakeTokens = Callable[..., pa.Table]


def _shake(model: torch.nn.Module) -> None:
    """Give norms and biases values that matter (transformers starts them at one and zero)."""
    generator = torch.Generator().manual_seed(3)
    for parameter in model.parameters():
        if parameter.dim() == 1:
            noise = torch.randn(parameter.shape, generator=generator)
            parameter.data += 0.3 * noise
    for name, buffer in model.named_buffers():
        if name.endswith("running_mean"):
            buffer += 0.5


@pytest.fixture(scope="module", params=MODELS)
def tiny(
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
    as_checkpoint: AsCheckpoint,
) -> tuple[str, Any, Checkpoint]:
    """Make a tiny model and its released folder."""
    kind, changes = MODELS[request.param]
    torch.manual_seed(1)
    model = HF.AutoModel.from_config(kind(**{**SIZE, **changes})).eval()
    _shake(model)
    folder = tmp_path_factory.mktemp(request.param)
    model.save_pretrained(folder)
    settings = {"do_normalize": True}
    (folder / "preprocessor_config.json").write_text(json.dumps(settings), encoding="utf-8")
    return request.param, model, as_checkpoint(folder)


def _single(model: Any, samples: NDArray[np.float32], *, normalize: bool) -> list[torch.Tensor]:
    """Hidden states of one clip by the plain call, float32."""
    extractor = HF.Wav2Vec2FeatureExtractor(do_normalize=normalize)
    values = extractor(samples, sampling_rate=16_000, return_tensors="pt")["input_values"]
    with torch.inference_mode():
        states = model(values, output_hidden_states=True).hidden_states
    return [state[0] for state in states]


def _relative(found: NDArray[Any], wanted: NDArray[Any]) -> float:
    """Largest error of a vector, relative to its norm."""
    error = np.linalg.norm(found - wanted, axis=1) / np.linalg.norm(wanted, axis=1)
    return float(error.max())


@pytest.mark.parametrize("normalize", ["default", "none"])
def test_batches_equal_single_clips(
    tiny: tuple[str, Any, Checkpoint],
    recordings: Recordings,
    run_extraction: Extract,
    make_tokens: MakeTokens,
    normalize: str,
) -> None:
    """All clips in one padded batch give, in every layer, the mean over each clip run alone."""
    _, model, checkpoint = tiny
    tokens = make_tokens([{"audio": str(path)} for path, _ in recordings])
    options = {"family": "speech", "normalize": normalize}
    result = run_extraction(tokens, checkpoint, options, LAYERS, batch_seconds=10)
    singles = [_single(model, one, normalize=normalize == "default") for _, one in recordings]
    for index, layer in enumerate(LAYERS):
        wanted = np.stack([states[index].mean(dim=0).numpy() for states in singles])
        assert _relative(result.vectors[layer][result.rows], wanted) < 1e-5, layer


def test_cut_model_is_the_full_model(
    tiny: tuple[str, Any, Checkpoint],
    recordings: Recordings,
    run_extraction: Extract,
    make_tokens: MakeTokens,
) -> None:
    """A layer extracted alone, from the blocks up to it, equals the same layer of all."""
    *_, checkpoint = tiny
    tokens = make_tokens([{"audio": str(path)} for path, _ in recordings[3:6]])
    options = {"family": "speech"}
    together = run_extraction(tokens, checkpoint, options, LAYERS)
    for layer in LAYERS:
        alone = run_extraction(tokens, checkpoint, options, (layer,))
        np.testing.assert_array_equal(alone.vectors[layer], together.vectors[layer])

"""The two branches of SpeechCLIP, from frames to the space of CLIP's images (Shih et al. 2022)."""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional


class ParallelBranch(nn.Module):
    """A transformer block over a learned CLS frame and the frames, then a linear map.

    Parameters
    ----------
    width
        Of the frames.
    sizes
        ``heads``, ``inner`` and ``joint``, the dimension of CLIP's space.
    """

    NAMED = ("branch", "cls", "projection")

    def __init__(self, width: int, sizes: Mapping[str, Any]) -> None:
        super().__init__()
        self.cls = nn.Parameter(torch.randn(1, 1, width))
        self.block = nn.TransformerEncoderLayer(
            width, sizes["heads"], sizes["inner"], activation="gelu", batch_first=True
        )
        self.norm = nn.LayerNorm(width)
        self.linear_proj = nn.Linear(width, sizes["joint"])

    def forward(self, frames: Tensor, padding: Tensor | None) -> dict[str, Tensor]:
        """Compute the named layers.

        Parameters
        ----------
        frames
            ``[batch, time, d]``.
        padding
            Which frames are none, bool ``[batch, time]``; None: all are.

        Returns
        -------
        dict
            ``branch``, ``[batch, time, d]``; ``cls``, ``[batch, d]``; ``projection``,
            ``[batch, joint]``.
        """
        entering, padding = _prepend(self.cls, frames, padding)
        hidden = self.block(entering, src_key_padding_mask=padding)
        cls = self.norm(hidden[:, 0])
        return {"branch": hidden[:, 1:], "cls": cls, "projection": self.linear_proj(cls)}


class CascadedBranch(nn.Module):
    """Attention finds keywords; CLIP's text tower reads the words of CLIP that are nearest to them.

    Parameters
    ----------
    width
        Of the frames.
    sizes
        ``heads`` of the attention; ``keywords``; of the text tower ``words``, ``positions``,
        ``text`` (width), ``text_blocks``, ``text_heads``, ``inner``, ``joint``; ``begin`` and
        ``end``, its special tokens.
    """

    NAMED = ("branch", "keywords", "projection")

    def __init__(self, width: int, sizes: Mapping[str, Any]) -> None:
        super().__init__()
        text, keywords = sizes["text"], sizes["keywords"]
        self.special = (sizes["begin"], sizes["end"])
        self.cls = nn.Parameter(torch.randn(1, keywords, width))
        self.attention = nn.MultiheadAttention(width, sizes["heads"], batch_first=True)
        self.norm = nn.LayerNorm(width)
        self.linear_proj = nn.Linear(width, text)
        self.batch_norm = nn.BatchNorm1d(keywords * text)
        self.words = nn.Parameter(torch.randn(sizes["words"], text))
        self.positions = nn.Parameter(torch.randn(sizes["positions"], text))
        self.blocks = nn.ModuleList(
            nn.TransformerEncoderLayer(
                text,
                sizes["text_heads"],
                sizes["inner"],
                activation=_quick_gelu,
                batch_first=True,
                norm_first=True,
            )
            for _ in range(sizes["text_blocks"])
        )
        self.text_norm = nn.LayerNorm(text)
        self.text_projection = nn.Parameter(torch.randn(text, sizes["joint"]))

    def forward(self, frames: Tensor, padding: Tensor | None) -> dict[str, Tensor]:
        """Compute the named layers.

        Parameters
        ----------
        frames, padding
            As in `ParallelBranch.forward`.

        Returns
        -------
        dict
            ``branch``, ``[batch, time, d]``; ``keywords``, ``[batch, keywords * text]``, before
            they are replaced by words; ``projection``, ``[batch, joint]``.
        """
        count = self.cls.shape[1]
        entering, padding = _prepend(self.cls, frames, padding)
        mixed, _ = self.attention(
            entering, entering, entering, key_padding_mask=padding, need_weights=False
        )
        hidden = self.norm(mixed + entering)
        keywords = self.linear_proj(hidden[:, :count])
        # the batch norm counts dimension by dimension, all keywords of one together
        normed = self.batch_norm(keywords.transpose(1, 2).flatten(1))
        keywords = normed.unflatten(1, (-1, count)).transpose(1, 2)
        return {
            "branch": hidden[:, count:],
            "keywords": keywords.flatten(1),
            "projection": self._read(keywords),
        }

    def _read(self, keywords: Tensor) -> Tensor:
        """Run the text tower on the words nearest to `keywords` by cosine."""
        begin, end = self.special
        likeness = functional.normalize(keywords, dim=-1) @ functional.normalize(self.words).T
        likeness[..., [0, begin, end]] = -torch.inf  # no keyword is a special token
        chosen = likeness.argmax(-1)
        ids = functional.pad(functional.pad(chosen, (1, 0), value=begin), (0, 1), value=end)
        hidden = self.words[ids] + self.positions[: ids.shape[1]]
        size = (ids.shape[1], ids.shape[1])
        later = torch.ones(size, dtype=torch.bool, device=hidden.device).triu(1)
        for block in self.blocks:
            hidden = block(hidden, src_mask=later)
        read: Tensor = self.text_norm(hidden[:, -1]) @ self.text_projection
        return read


def _prepend(cls: Tensor, frames: Tensor, padding: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """Put learned frames in front."""
    learned = cls.expand(len(frames), -1, -1).to(frames.dtype)
    if padding is not None:
        padding = functional.pad(padding, (cls.shape[1], 0), value=False)
    return torch.cat([learned, frames], dim=1), padding


def _quick_gelu(hidden: Tensor) -> Tensor:
    return hidden * torch.sigmoid(1.702 * hidden)

"""The config of a tiny training as a form shows it: titles, explanations, units, groups.

Names, defaults and bounds are those of `engine.tiny_flow.config`, which the trainer itself checks.
"""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, ConfigDict, Field, field_validator

from .engine.tiny_flow.config import BOUNDS, Config

_DEFAULTS = Config().as_dict()


def _key(name: str, group: str, unit: str, title: str, text: str) -> Any:
    """Return the field of one key, with the default and the bounds the trainer has for it."""
    low, high = BOUNDS.get(name, (None, None))
    extra: dict[str, Any] = {"group": group} | ({"unit": unit} if unit else {})
    return Field(
        default=_DEFAULTS[name],
        title=title,
        description=text,
        ge=low,
        le=high,
        json_schema_extra=extra,
    )


class TinyConfig(BaseModel):
    """One tiny training. Everything has a default: the empty config trains the digits."""

    model_config = ConfigDict(extra="forbid", title="Tiny training")

    data: str = _key(
        "data",
        "Data",
        "",
        "Pictures",
        "`digits` for the 1797 handwritten digits that come with the server, or the absolute path "
        "of a folder in which every picture x.png has its caption in x.txt. Pictures with the same "
        "caption are one class; a handful of pictures is learnt by heart.",
    )
    resolution: int = _key(
        "resolution",
        "Data",
        "pixels",
        "Resolution",
        "Pictures of a folder are cut to their middle square and resized to this width and height, "
        "in colour. The digits stay as they are, 8 pixels.",
    )
    caption_dropout: float = _key(
        "caption_dropout",
        "Data",
        "share",
        "Hidden captions",
        "Share of pictures that are shown without their class, so that guidance has something to "
        "compare with.",
    )
    steps: int = _key(
        "steps",
        "Training",
        "steps",
        "Length",
        "How many batches to learn from. 1000 steps of digits take about half a minute.",
    )
    batch_size: int = _key(
        "batch_size",
        "Training",
        "pictures",
        "Batch size",
        "How many pictures one step looks at.",
    )
    learning_rate: float = _key(
        "learning_rate",
        "Training",
        "",
        "Learning rate",
        "How far one step moves the weights, at its peak; it then falls along a cosine.",
    )
    warmup_steps: int = _key(
        "warmup_steps",
        "Training",
        "steps",
        "Warm-up",
        "Over how many steps the learning rate rises to its peak, at most a fifth of the length.",
    )
    ema_decay: float = _key(
        "ema_decay",
        "Training",
        "",
        "Average of weights",
        "How much of the moving average a step keeps; samples are drawn from that average.",
    )
    max_grad_norm: float = _key(
        "max_grad_norm",
        "Training",
        "",
        "Gradient limit",
        "Longer gradients are cut to this length; 0 never cuts.",
    )
    seed: int = _key(
        "seed",
        "Training",
        "",
        "Seed",
        "Decides all randomness: the same config on the same machine gives the same bits.",
    )
    width: int = _key(
        "width",
        "Model",
        "units",
        "Width",
        "Units per layer. Time grows a little faster than width.",
    )
    blocks: int = _key(
        "blocks",
        "Model",
        "blocks",
        "Depth",
        "How many blocks the network has.",
    )
    sample_every: int = _key(
        "sample_every",
        "Samples",
        "steps",
        "Samples every",
        "Draw samples after so many steps. 0: at the start and after 10, 25, 50 and 100 % of the "
        "length. The first round shows the noise that sampling begins with.",
    )
    sample_rows: int = _key(
        "sample_rows",
        "Samples",
        "rows",
        "Rows",
        "How many samples of each class a round shows below each other; up to ten classes.",
    )
    sample_steps: int = _key(
        "sample_steps",
        "Samples",
        "steps",
        "Sampling steps",
        "In how many steps noise becomes a picture; more is finer and slower.",
    )
    guidance: float = _key(
        "guidance",
        "Samples",
        "",
        "Guidance",
        "How strongly samples follow their class: 1 as learnt, more is clearer and less varied.",
    )
    final_samples: int = _key(
        "final_samples",
        "Samples",
        "pictures",
        "Final samples",
        "How many single pictures to write at the end, shared out among the classes and judged "
        "against the training pictures; 0 writes none.",
    )
    checkpoint_every: int = _key(
        "checkpoint_every",
        "Checkpoints",
        "steps",
        "Checkpoint every",
        "Save a checkpoint after so many steps; 0 saves only the last one.",
    )
    keep_checkpoints: int = _key(
        "keep_checkpoints",
        "Checkpoints",
        "checkpoints",
        "Checkpoints kept",
        "Older ones are deleted. One of the default size takes 19 MB.",
    )
    report_every: int = _key(
        "report_every",
        "Reports",
        "steps",
        "Metrics every",
        "Report loss, learning rate and speed after so many steps; the last step always.",
    )
    log_every: int = _key(
        "log_every",
        "Reports",
        "steps",
        "Log line every",
        "Write a line for people after so many steps.",
    )

    @field_validator("*", mode="before")
    @classmethod
    def _no_truth_values(cls, value: Any) -> Any:
        """Refuse true and false, which pydantic would read as 1 and 0."""
        if isinstance(value, bool):
            raise ValueError("true and false are not values of any key here")
        return value

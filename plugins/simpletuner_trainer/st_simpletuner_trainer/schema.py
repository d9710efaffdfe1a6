"""The fields of SimpleTuner's config that the form shows; every other option may be given as well.

Defaults are SimpleTuner's own: a field left empty is not written, and its default then holds.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field

MODEL: dict[str, Any] = {"group": "Model"}
DATA: dict[str, Any] = {"group": "Data"}
TRAINING: dict[str, Any] = {"group": "Training"}
SAVING: dict[str, Any] = {"group": "Checkpoints"}
VALIDATION: dict[str, Any] = {"group": "Validation"}
PUBLISHING: dict[str, Any] = {"group": "Publishing"}
Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Length = Annotated[float, Field(gt=0)]


def _unit(group: dict[str, Any], unit: str) -> dict[str, Any]:
    return {**group, "unit": unit}


class SimpleTunerConfig(BaseModel):
    """The config of one training with SimpleTuner; keys may also be written with leading dashes."""

    model_config = ConfigDict(extra="allow", protected_namespaces=())

    model_family: str = Field(
        description="The architecture: sdxl, flux, sd3, pixart_sigma, wan, …",
        json_schema_extra=MODEL,
    )
    model_type: Literal["lora", "full"] = Field(
        description="Train an adapter (lora) or every weight (full)", json_schema_extra=MODEL
    )
    pretrained_model_name_or_path: str | None = Field(
        None,
        description="The base model: a name on the Hugging Face Hub, or a folder",
        json_schema_extra=MODEL,
    )
    lora_type: Literal["standard", "lycoris"] | None = Field(
        None, description="The kind of adapter", json_schema_extra=MODEL
    )
    lora_rank: Positive | None = Field(
        None, description="Size of the adapter's matrices", json_schema_extra=MODEL
    )
    lycoris_config: dict[str, Any] | str | None = Field(
        None, description="LyCORIS settings, or the path of their file", json_schema_extra=MODEL
    )
    base_model_precision: str | None = Field(
        None,
        description="Quantise the base model: no_change, int8-quanto, …",
        json_schema_extra=MODEL,
    )
    dataloader_config: list[dict[str, Any]] | None = Field(
        None,
        description="The data: what SimpleTuner keeps in multidatabackend.json",
        json_schema_extra=DATA,
    )
    data_backend_config: str | None = Field(
        None,
        description="Path of the dataloader's file, instead of dataloader_config",
        json_schema_extra=DATA,
    )
    resolution: Length | None = Field(
        None,
        description="Size of the training pictures",
        json_schema_extra=_unit(DATA, "pixels or megapixels"),
    )
    resolution_type: Literal["pixel", "area", "pixel_area"] | None = Field(
        None, description="What the resolution counts", json_schema_extra=DATA
    )
    caption_dropout_probability: Annotated[float, Field(ge=0, le=1)] | None = Field(
        None, description="Share of steps without a caption", json_schema_extra=DATA
    )
    optimizer: str = Field(description="The optimiser: adamw_bf16, …", json_schema_extra=TRAINING)
    learning_rate: Length | None = Field(
        None, description="Step size of the optimiser", json_schema_extra=TRAINING
    )
    lr_scheduler: str | None = Field(
        None, description="How the learning rate changes", json_schema_extra=TRAINING
    )
    lr_warmup_steps: Count | None = Field(
        None,
        description="Steps over which the learning rate rises",
        json_schema_extra=_unit(TRAINING, "steps"),
    )
    max_train_steps: Count | None = Field(
        None,
        description="Length of the training; 0 lets num_train_epochs decide",
        json_schema_extra=_unit(TRAINING, "steps"),
    )
    num_train_epochs: Annotated[float, Field(ge=0)] | None = Field(
        None,
        description="Length in passes over the data; 0 lets max_train_steps decide",
        json_schema_extra=_unit(TRAINING, "epochs"),
    )
    train_batch_size: Positive | None = Field(
        None, description="Pictures per step and GPU", json_schema_extra=TRAINING
    )
    gradient_accumulation_steps: Positive | None = Field(
        None, description="Batches that make one step", json_schema_extra=TRAINING
    )
    gradient_checkpointing: bool | None = Field(
        None, description="Need less memory, take more time", json_schema_extra=TRAINING
    )
    mixed_precision: Literal["no", "fp16", "bf16", "fp8"] | None = Field(
        None, description="Number format of the computation", json_schema_extra=TRAINING
    )
    num_processes: Annotated[int, Field(ge=1, le=64)] | None = Field(
        None, description="GPUs that train together", json_schema_extra=_unit(TRAINING, "GPUs")
    )
    seed: Count | None = Field(
        None, description="The same seed gives the same training", json_schema_extra=TRAINING
    )
    checkpoint_step_interval: Positive | None = Field(
        None,
        description="Save a checkpoint every so many steps",
        json_schema_extra=_unit(SAVING, "steps"),
    )
    checkpoints_total_limit: Positive | None = Field(
        None, description="How many checkpoints to keep", json_schema_extra=SAVING
    )
    validation_prompt: str | None = Field(
        None, description="What the sample pictures show", json_schema_extra=VALIDATION
    )
    validation_step_interval: Positive | None = Field(
        None,
        description="Draw samples every so many steps",
        json_schema_extra=_unit(VALIDATION, "steps"),
    )
    validation_num_inference_steps: Positive | None = Field(
        None, description="Steps to draw one sample", json_schema_extra=_unit(VALIDATION, "steps")
    )
    validation_resolution: str | float | None = Field(
        None,
        description="Size of the samples, 1024x1024 for instance",
        json_schema_extra=VALIDATION,
    )
    validation_guidance: Annotated[float, Field(ge=0)] | None = Field(
        None, description="How closely samples follow the prompt", json_schema_extra=VALIDATION
    )
    user_prompt_library: dict[str, Any] | str | None = Field(
        None,
        description="More prompts by name, or the path of their file",
        json_schema_extra=VALIDATION,
    )
    push_to_hub: bool | None = Field(
        None, description="Upload the result to the Hugging Face Hub", json_schema_extra=PUBLISHING
    )
    push_checkpoints_to_hub: bool | None = Field(
        None, description="Upload every checkpoint as well", json_schema_extra=PUBLISHING
    )
    hub_model_id: str | None = Field(
        None, description="The repository to upload to", json_schema_extra=PUBLISHING
    )

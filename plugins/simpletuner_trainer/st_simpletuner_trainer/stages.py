"""What SimpleTuner is doing before and between its steps, told from its log: text → stage."""

from __future__ import annotations

STAGES = {
    "Trainer.__init__": "starting",
    "Load VAE": "loading the VAE",
    "Loading AutoencoderKL": "loading the VAE",
    "Loading tokenizer": "loading the text encoders",
    "Loading CLIP": "loading the text encoders",
    "Loading data backend config": "configuring the data",
    "Configuring data backend": "configuring the data",
    "Configuring text embed backend": "caching the text embeddings",
    "text embed pre-computation": "caching the text embeddings",
    "Executing VAE cache update": "caching the pictures",
    "Loading diffusion model": "loading the base model",
    "Benchmarking base model": "drawing samples of the base model",
    "Preparing models": "preparing the models",
    "Loading our accelerator": "preparing the models",
    "Resuming from checkpoint": "loading the checkpoint",
    "Saving checkpoint": "saving a checkpoint",
}

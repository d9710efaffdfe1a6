"""GPUs without a GPU: a stand-in for NVIDIA's driver library, with inventories in a file."""

from __future__ import annotations

import ctypes
import subprocess
from importlib.util import find_spec
from pathlib import Path

SOURCE = Path(__file__).with_name("fake_nvml.c")
SONAME = "libnvidia-ml.so.1"


def build(folder: Path) -> Path:
    """Compile the stand-in against NVIDIA's own header; return the library."""
    library = folder / SONAME
    flags = ["-D_GNU_SOURCE", "-O1", "-Wall", "-Wextra", "-Werror", "-shared", "-fPIC"]
    subprocess.run(
        ["gcc", *flags, f"-Wl,-soname,{SONAME}", "-I", include(), "-o", library, SOURCE], check=True
    )
    return library


def include() -> Path:
    """Return the folder with nvml.h, which the test dependency nvidia-nvml-dev-cu12 brings."""
    spec = find_spec("nvidia.nvml_dev")
    assert spec is not None
    assert spec.submodule_search_locations
    return Path(spec.submodule_search_locations[0]) / "include"


def preload(library: Path) -> None:
    """Load the stand-in into this process; nvidia-ml-py then finds it by its soname."""
    ctypes.CDLL(str(library), mode=ctypes.RTLD_GLOBAL)


class Inventory:
    """The GPUs that the stand-in shows, changed while it runs."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.show()

    def show(self, *lines: str) -> None:
        """Show these GPUs from now on."""
        new = self.path.with_suffix(".new")
        new.write_text("".join(f"{line}\n" for line in lines))
        new.replace(self.path)


def card(
    number: int,
    name: str = "NVIDIA A100-SXM4-80GB",
    *,
    used: int | str = 0,
    state: str = "ok",
    processes: str = "",
    parts: str = "",
    util: int | str = 37,
    throttle: str = "0",
) -> str:
    """Return the line of one GPU; processes are `pid:mib,…`, parts `uuid:mib[:pid],…`."""
    live = (81920, used, util, 41, 120000, state)
    return "|".join(map(str, (name, f"GPU-{number}", *live, processes, parts, throttle)))

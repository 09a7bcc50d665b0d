"""What `/sys` holds of GPU and temperatures on the boards of the site, and on PCs, as files of a test."""

from __future__ import annotations

from pathlib import Path
from typing import Final, NamedTuple


class Tree(NamedTuple):
    """The files of one board. A zone without a temperature cannot be read, as while its engine is off."""

    devfreq: dict[str, str | None]
    """Content of `device/load` by name of the device; None: there is no such file."""
    zones: tuple[tuple[str, str | None], ...]
    """Type and temperature in thousandths of a degree."""
    old_gpu_load: str | None = None
    """Content of `/sys/devices/gpu.0/load`."""


ORIN_JETPACK_5: Final = Tree(
    devfreq={"17000000.ga10b": "437", "15340000.vic": None, "15480000.nvdec": None},
    zones=(
        ("CPU-therm", "49875"),
        ("GPU-therm", None),
        ("CV0-therm", "-256000"),
        ("CV1-therm", "-256000"),
        ("CV2-therm", "-256000"),
        ("SOC0-therm", "47406"),
        ("SOC1-therm", "46750"),
        ("SOC2-therm", "46093"),
        ("tj-therm", "49875"),
    ),
)
ORIN_JETPACK_6: Final = Tree(
    devfreq={"17000000.gpu": "1000", "15340000.vic": None},
    zones=(
        ("cpu-thermal", "51812"),
        ("gpu-thermal", "48968"),
        ("cv0-thermal", None),
        ("cv1-thermal", None),
        ("cv2-thermal", None),
        ("soc0-thermal", "49562"),
        ("tj-thermal", "51812"),
    ),
)
XAVIER: Final = Tree(
    devfreq={"17000000.gv11b": "0", "15340000.vic": None},
    zones=(
        ("CPU-therm", "38500"),
        ("GPU-therm", "37000"),
        ("AUX-therm", "36500"),
        ("AO-therm", "37500"),
        ("PMIC-Die", "100000"),
        ("Tboard_tegra", "37000"),
        ("thermal-fan-est", "37600"),
    ),
)
NANO: Final = Tree(
    devfreq={},
    zones=(("AO-therm", "41500"), ("CPU-therm", "33000"), ("GPU-therm", "31500"), ("PMIC-Die", "100000")),
    old_gpu_load="256\n",
)
PC_WITH_NVIDIA: Final = Tree(
    devfreq={},
    zones=(("acpitz", "27800"), ("acpitz", "29800"), ("x86_pkg_temp", "52000"), ("iwlwifi_1", None)),
)
PC: Final = Tree(devfreq={}, zones=())


def write(tree: Tree, root: Path) -> Path:
    """Write `tree` below `root` and return `root`."""
    for name, load in tree.devfreq.items():
        device = root / "devices" / "platform" / name
        device.mkdir(parents=True)
        if load is not None:
            (device / "load").write_text(f"{load}\n")
        link = root / "class" / "devfreq" / name
        link.mkdir(parents=True)
        (link / "device").symlink_to(device)
    if tree.old_gpu_load is not None:
        (root / "devices" / "gpu.0").mkdir(parents=True)
        (root / "devices" / "gpu.0" / "load").write_text(tree.old_gpu_load)
    for number, (kind, temperature) in enumerate(tree.zones):
        zone = root / "class" / "thermal" / f"thermal_zone{number}"
        zone.mkdir(parents=True)
        (zone / "type").write_text(f"{kind}\n")
        if temperature is None:
            (zone / "temp").mkdir()  # read as a file, it gives an error
        else:
            (zone / "temp").write_text(f"{temperature}\n")
    return root

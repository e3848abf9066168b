"""The layer shapes of well-known networks."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True)
class Convolution:
    """A square convolution with "same" padding."""

    size: int
    inputs: int
    outputs: int
    kernel: int
    stride: int = 1
    depthwise: bool = False
    #: How often the network has it.
    count: int = 1

    @property
    def output_size(self) -> int:
        return -(-self.size // self.stride)

    @property
    def padding(self) -> tuple[int, int, int, int]:
        """Top, left, bottom, right; as PyTorch pads, alike on both sides."""
        return (self.kernel // 2,) * 4

    @property
    def macs(self) -> int:
        depth = 1 if self.depthwise else self.inputs
        return self.output_size**2 * self.outputs * self.kernel**2 * depth

    def __str__(self) -> str:
        stride = f" /{self.stride}" if self.stride > 1 else ""
        return f"{self.size}x{self.size} {self.inputs}-{self.outputs} {self.kernel}x{self.kernel}{stride}"


#: ResNet-50 at 224x224 (stride on the 3x3, as PyTorch has it), every distinct convolution.
RESNET50: Final = (
    Convolution(224, 3, 64, 7, 2),
    Convolution(56, 64, 64, 1),
    Convolution(56, 64, 64, 3, count=3),
    Convolution(56, 64, 256, 1, count=4),
    Convolution(56, 256, 64, 1, count=2),
    Convolution(56, 256, 128, 1),
    Convolution(56, 128, 128, 3, 2),
    Convolution(56, 256, 512, 1, 2),
    Convolution(28, 128, 512, 1, count=4),
    Convolution(28, 512, 128, 1, count=3),
    Convolution(28, 128, 128, 3, count=3),
    Convolution(28, 512, 256, 1),
    Convolution(28, 256, 256, 3, 2),
    Convolution(28, 512, 1024, 1, 2),
    Convolution(14, 256, 1024, 1, count=6),
    Convolution(14, 1024, 256, 1, count=5),
    Convolution(14, 256, 256, 3, count=5),
    Convolution(14, 1024, 512, 1),
    Convolution(14, 512, 512, 3, 2),
    Convolution(14, 1024, 2048, 1, 2),
    Convolution(7, 512, 2048, 1, count=3),
    Convolution(7, 2048, 512, 1, count=2),
    Convolution(7, 512, 512, 3, count=2),
)

#: MobileNetV2 1.0 at 224x224, every distinct depthwise convolution.
MOBILENET_V2_DEPTHWISE: Final = (
    Convolution(112, 32, 32, 3, depthwise=True),
    Convolution(112, 96, 96, 3, 2, depthwise=True),
    Convolution(56, 144, 144, 3, depthwise=True),
    Convolution(56, 144, 144, 3, 2, depthwise=True),
    Convolution(28, 192, 192, 3, depthwise=True, count=2),
    Convolution(28, 192, 192, 3, 2, depthwise=True),
    Convolution(14, 384, 384, 3, depthwise=True, count=4),
    Convolution(14, 576, 576, 3, depthwise=True, count=2),
    Convolution(14, 576, 576, 3, 2, depthwise=True),
    Convolution(7, 960, 960, 3, depthwise=True, count=3),
)

#: (rows, inputs, outputs) of fully connected layers: a vector, small and large batches, a transformer's.
GEMM: Final = ((1, 1024, 1024), (1, 4096, 4096), (49, 512, 512), (128, 768, 3072), (256, 256, 256), (512, 512, 512))

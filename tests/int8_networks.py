"""The int8 networks of the data folder, by file name without .tflite."""

from __future__ import annotations

NETWORKS = (
    "mlperf_ad_int8",
    "mlperf_kws_int8",
    "mlperf_resnet8_int8",
    "mlperf_sww_int8",
    "mlperf_vww_int8",
    "tf2_mobilenet_v2_1.0_224_ptq",
)

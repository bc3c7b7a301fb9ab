"""Vectors of word tokens: one file a family of encoders."""

import os

# before oneDNN is first used: in AMX tiles version 3.12 has wrong values for bfloat16 convolutions
# of few channels and long even kernels (as in https://github.com/pytorch/pytorch/issues/163347)
os.environ.setdefault("ONEDNN_MAX_CPU_ISA", "AVX512_CORE_BF16")

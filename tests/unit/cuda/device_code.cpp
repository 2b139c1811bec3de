// SPDX-License-Identifier: Apache-2.0
// All device code on the emulation, as dnalm_add_cuda compiles it for a GPU: what the tests of backends and
// models link.
#define DNALM_CUDA_PLATFORM <support/cuda_emulation/platform.hpp>

#include <dnalm/cuda.cuh>

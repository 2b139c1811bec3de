// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief dnalm::cuda_backend with all of its device code, on the emulation.
#pragma once

#define DNALM_CUDA_PLATFORM <support/cuda_emulation/platform.hpp>

#include <dnalm/cuda/cuda_backend.hpp>
#include <dnalm/cuda/detail/attention.cuh>
#include <dnalm/cuda/detail/attention_packed.cuh>
#include <dnalm/cuda/detail/attention_vjp.cuh>
#include <dnalm/cuda/detail/elementwise.cuh>
#include <dnalm/cuda/detail/embedding.cuh>
#include <dnalm/cuda/detail/gated.cuh>
#include <dnalm/cuda/detail/gather.cuh>
#include <dnalm/cuda/detail/layer_norm.cuh>
#include <dnalm/cuda/detail/norm_pool.cuh>
#include <dnalm/cuda/detail/pooling.cuh>
#include <dnalm/cuda/detail/product_rows.cuh>
#include <dnalm/cuda/detail/rotary.cuh>
#include <dnalm/cuda/detail/softmax.cuh>
#include <support/cuda_emulation/matmul.hpp>
#include <support/cuda_emulation/runtime.hpp>

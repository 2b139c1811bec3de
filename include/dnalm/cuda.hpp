// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All public headers of module cuda.
#pragma once

#include <dnalm/cuda/attention.hpp>
#include <dnalm/cuda/attention_packed.hpp>
#include <dnalm/cuda/bfloat16.hpp>
#include <dnalm/cuda/causal_filter.hpp>
#include <dnalm/cuda/cell_moments.hpp>
#include <dnalm/cuda/convolution.hpp>
#include <dnalm/cuda/cuda_backend.hpp>
#include <dnalm/cuda/cuda_bf16_backend.hpp>
#include <dnalm/cuda/cuda_options.hpp>
#include <dnalm/cuda/device_buffer.hpp>
#include <dnalm/cuda/elementwise.hpp>
#include <dnalm/cuda/embedding.hpp>
#include <dnalm/cuda/gated.hpp>
#include <dnalm/cuda/gather.hpp>
#include <dnalm/cuda/layer_norm.hpp>
#include <dnalm/cuda/long_convolution.hpp>
#include <dnalm/cuda/matmul.hpp>
#include <dnalm/cuda/moments.hpp>
#include <dnalm/cuda/multiply.hpp>
#include <dnalm/cuda/norm_pool.hpp>
#include <dnalm/cuda/pooling.hpp>
#include <dnalm/cuda/product_rows.hpp>
#include <dnalm/cuda/products.hpp>
#include <dnalm/cuda/random.hpp>
#include <dnalm/cuda/rms_norm.hpp>
#include <dnalm/cuda/rotary.hpp>
#include <dnalm/cuda/runtime.hpp>
#include <dnalm/cuda/short_convolution.hpp>
#include <dnalm/cuda/softmax.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/token_scores.hpp>
#include <dnalm/cuda/views.hpp>

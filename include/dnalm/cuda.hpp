// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All public headers of module cuda.
#pragma once

#include <dnalm/cuda/bfloat16.hpp>
#include <dnalm/cuda/elementwise.hpp>
#include <dnalm/cuda/embedding.hpp>
#include <dnalm/cuda/gated.hpp>
#include <dnalm/cuda/layer_norm.hpp>
#include <dnalm/cuda/pooling.hpp>
#include <dnalm/cuda/rotary.hpp>
#include <dnalm/cuda/softmax.hpp>
#include <dnalm/cuda/stream.hpp>
#include <dnalm/cuda/token_scores.hpp>
#include <dnalm/cuda/views.hpp>

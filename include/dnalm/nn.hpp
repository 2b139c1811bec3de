// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All public headers of module nn.
#pragma once

#include <dnalm/nn/attention_layer.hpp>
#include <dnalm/nn/block_workspace.hpp>
#include <dnalm/nn/convnet_block.hpp>
#include <dnalm/nn/convolution_layer.hpp>
#include <dnalm/nn/embedding_layer.hpp>
#include <dnalm/nn/feed_forward_layer.hpp>
#include <dnalm/nn/filter_cache.hpp>
#include <dnalm/nn/hyena_block.hpp>
#include <dnalm/nn/hyena_mixer.hpp>
#include <dnalm/nn/implicit_filter.hpp>
#include <dnalm/nn/linear_layer.hpp>
#include <dnalm/nn/mamba_block.hpp>
#include <dnalm/nn/mamba_mixer.hpp>
#include <dnalm/nn/masked_lm_head.hpp>
#include <dnalm/nn/norm_layer.hpp>
#include <dnalm/nn/norm_placement.hpp>
#include <dnalm/nn/relative_positions.hpp>
#include <dnalm/nn/rms_norm_layer.hpp>
#include <dnalm/nn/spline_basis.hpp>
#include <dnalm/nn/transformer_block.hpp>

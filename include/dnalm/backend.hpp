// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All public headers of module backend.
#pragma once

#include <dnalm/backend/activation.hpp>
#include <dnalm/backend/channel_kernels.hpp>
#include <dnalm/backend/concepts.hpp>
#include <dnalm/backend/convolution_taps.hpp>
#include <dnalm/backend/host_layer_kernels.hpp>
#include <dnalm/backend/kernel_options.hpp>
#include <dnalm/backend/layer_concepts.hpp>
#include <dnalm/backend/long_convolution.hpp>
#include <dnalm/backend/masked_mean.hpp>
#include <dnalm/backend/pack_store.hpp>
#include <dnalm/backend/pooling_kind.hpp>
#include <dnalm/backend/relative_attention.hpp>
#include <dnalm/backend/rotary_table.hpp>
#include <dnalm/backend/row_pairs.hpp>
#include <dnalm/backend/row_placement.hpp>
#include <dnalm/backend/row_pooling.hpp>
#include <dnalm/backend/row_window.hpp>
#include <dnalm/backend/scalar_functions.hpp>
#include <dnalm/backend/secant.hpp>
#include <dnalm/backend/secant_attention.hpp>
#include <dnalm/backend/secant_pooling.hpp>
#include <dnalm/backend/secant_rows.hpp>
#include <dnalm/backend/secant_scan.hpp>
#include <dnalm/backend/selective_scan.hpp>
#include <dnalm/backend/softmax_pooling.hpp>
#include <dnalm/backend/weight_format.hpp>

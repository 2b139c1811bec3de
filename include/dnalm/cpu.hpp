// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All public headers of module cpu.
#pragma once

#include <dnalm/cpu/attention.hpp>
#include <dnalm/cpu/causal_filter.hpp>
#include <dnalm/cpu/convolution.hpp>
#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/cpu/elementwise.hpp>
#include <dnalm/cpu/embedding.hpp>
#include <dnalm/cpu/gated.hpp>
#include <dnalm/cpu/isa.hpp>
#include <dnalm/cpu/layer_norm.hpp>
#include <dnalm/cpu/linear.hpp>
#include <dnalm/cpu/long_convolution.hpp>
#include <dnalm/cpu/multiply.hpp>
#include <dnalm/cpu/pack_cache.hpp>
#include <dnalm/cpu/packed_weight.hpp>
#include <dnalm/cpu/rms_norm.hpp>
#include <dnalm/cpu/rotary.hpp>
#include <dnalm/cpu/selective_scan.hpp>
#include <dnalm/cpu/sequence_kernels.hpp>
#include <dnalm/cpu/short_convolution.hpp>
#include <dnalm/cpu/softmax.hpp>
#include <dnalm/cpu/strands.hpp>

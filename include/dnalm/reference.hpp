// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief All public headers of module reference.
#pragma once

#include <dnalm/reference/attention.hpp>
#include <dnalm/reference/convolution.hpp>
#include <dnalm/reference/elementwise.hpp>
#include <dnalm/reference/embedding.hpp>
#include <dnalm/reference/gated.hpp>
#include <dnalm/reference/layer_norm.hpp>
#include <dnalm/reference/linear.hpp>
#include <dnalm/reference/long_convolution.hpp>
#include <dnalm/reference/multiply.hpp>
#include <dnalm/reference/reference_backend.hpp>
#include <dnalm/reference/rms_norm.hpp>
#include <dnalm/reference/rotary.hpp>
#include <dnalm/reference/selective_scan.hpp>
#include <dnalm/reference/short_convolution.hpp>
#include <dnalm/reference/softmax.hpp>
#include <dnalm/reference/strands.hpp>

// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief dnalm::cuda_backend on the emulation: its memory, its streams and its products.
///
/// The kernels are declared only: unit/cuda/device_code.cpp has the bodies, once for all tests.
#pragma once

#include <dnalm/cuda/cuda_backend.hpp>
#include <support/cuda_emulation/matmul.hpp>
#include <support/cuda_emulation/runtime.hpp>

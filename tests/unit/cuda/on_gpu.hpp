// SPDX-License-Identifier: Apache-2.0
/// \file
/// \brief load_model's options for the tested GPU, compiled once for all tests of a program.
#pragma once

#include <dnalm/cuda/cuda_backend.hpp>
#include <dnalm/models/convnet.hpp>
#include <dnalm/models/encoder.hpp>
#include <dnalm/models/load_model.hpp>

namespace dnalm_test {

/// dnalm::on_cuda. The program links on_gpu.cpp, which has the encoder and the ConvNet of float rows for all.
[[nodiscard]] dnalm::load_options on_gpu(const dnalm::cuda_options& where = {},
                                         dnalm::load_options options = {});

}  // namespace dnalm_test

extern template class dnalm::convnet<dnalm::cuda_backend>;
extern template class dnalm::encoder<dnalm::cuda_backend>;

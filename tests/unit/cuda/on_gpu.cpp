// SPDX-License-Identifier: Apache-2.0
// What loads a model on a GPU, and the encoder and the ConvNet of float rows.
#include <utility>

#include <dnalm/models/detail/convnet_gradient_impl.hpp>
#include <dnalm/models/detail/convnet_impl.hpp>
#include <dnalm/models/detail/encoder_gradient_impl.hpp>
#include <dnalm/models/detail/encoder_impl.hpp>
#include <dnalm/models/on_cuda.hpp>
#include <unit/cuda/on_gpu.hpp>

template class dnalm::convnet<dnalm::cuda_backend>;
template class dnalm::encoder<dnalm::cuda_backend>;

dnalm::load_options dnalm_test::on_gpu(const dnalm::cuda_options& where, dnalm::load_options options) {
  return dnalm::on_cuda(where, std::move(options));
}

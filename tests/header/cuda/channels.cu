// SPDX-License-Identifier: Apache-2.0
// Every kernel of the header: what nvcc has to compile.
#include <dnalm/cuda/detail/channels.cuh>

int main() {
  (void)&dnalm::cuda_scale_channels;
  (void)&dnalm::cuda_threshold_rows;
  (void)&dnalm::cuda_threshold_rows_vjp;
  (void)&dnalm::cuda_depthwise_convolution;
  (void)&dnalm::cuda_depthwise_convolution_vjp;
  (void)&dnalm::cuda_weigh_positions;
  (void)&dnalm::cuda_project_positions;
  (void)&dnalm::cuda_project_positions_vjp;
  (void)&dnalm::cuda_multiply_sequences;
  (void)&dnalm::cuda_multiply_sequences_vjp;
  (void)&dnalm::cuda_add_sequences;
}

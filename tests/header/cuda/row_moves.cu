// SPDX-License-Identifier: Apache-2.0
// Every kernel of the header: what nvcc has to compile.
#include <dnalm/cuda/detail/row_moves.cuh>

int main() {
  (void)&dnalm::cuda_place_rows;
  (void)&dnalm::cuda_place_rows_vjp;
  (void)&dnalm::cuda_join_rows;
  (void)&dnalm::cuda_join_rows_vjp;
  (void)&dnalm::cuda_flatten_rows;
  (void)&dnalm::cuda_flatten_rows_vjp;
  (void)&dnalm::cuda_repeat_rows;
  (void)&dnalm::cuda_repeat_rows_vjp;
  (void)&dnalm::cuda_reverse_rows;
}

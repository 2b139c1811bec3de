// SPDX-License-Identifier: Apache-2.0
// Every kernel of the header: what nvcc has to compile.
#include <dnalm/cuda/detail/strands.cuh>

int main() {
  (void)&dnalm::cuda_fold_strands;
  (void)&dnalm::cuda_unfold_strands;
}

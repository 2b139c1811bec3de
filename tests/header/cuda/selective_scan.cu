// SPDX-License-Identifier: Apache-2.0
// Every kernel of the header: what nvcc has to compile.
#include <dnalm/cuda/detail/selective_scan.cuh>

int main() {
  (void)&dnalm::cuda_selective_scan;
  (void)&dnalm::cuda_selective_scan_vjp;
}

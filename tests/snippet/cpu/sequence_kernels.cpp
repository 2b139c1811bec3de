// SPDX-License-Identifier: Apache-2.0
// Kernels over sequences as members of the cpu backend, here on a team of two threads: the same bits.
#include <iostream>

#include <dnalm/core/thread_team.hpp>
#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/cpu/sequence_kernels.hpp>

int main() {
  dnalm::thread_team team(2);
  const dnalm::cpu_backend backend = dnalm::cpu_backend().on_team(&team);
  const dnalm::cpu_sequence_kernels& kernels = backend;
  dnalm::ragged_offsets offsets;
  offsets.append(3);
  const float x[] = {1, 10, 100};
  const float w[] = {2, 1};
  const float bias[] = {0.5F};
  float y[3];
  kernels.short_convolution(dnalm::as_matrix(x, 3, 1), dnalm::as_matrix(w, 2, 1), {bias, 1}, offsets,
                            dnalm::as_matrix(y, 3, 1));
  std::cout << kernels.members() << " threads: " << y[0] << " " << y[1] << " " << y[2] << "\n";
}

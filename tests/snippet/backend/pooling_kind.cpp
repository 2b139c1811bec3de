// SPDX-License-Identifier: Apache-2.0
// The names of the poolings.
#include <iostream>

#include <dnalm/backend/pooling_kind.hpp>

int main() {
  using dnalm::pooling;
  for (const pooling kind : {pooling::cls, pooling::mean, pooling::mean_all, pooling::max, pooling::tokens}) {
    std::cout << dnalm::to_string(kind) << '\n';
  }
}

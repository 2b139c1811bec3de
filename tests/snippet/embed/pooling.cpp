// SPDX-License-Identifier: Apache-2.0
// One vector per sequence out of token vectors; the mean leaves CLS and its kind out.
#include <iostream>
#include <vector>

#include <dnalm/embed/pooling.hpp>
#include <dnalm/tensor/buffer.hpp>

int main() {
  std::vector<float> tokens = {100, 100, 1, -2, 3, -4};  // CLS and two tokens, width 2
  std::vector<unsigned char> special = {1, 0, 0};
  dnalm::ragged_offsets batch;
  batch.append(3);
  dnalm::matrix<float> y(1, 2);
  for (const dnalm::pooling kind : dnalm::parse_poolings("cls,mean,mean_all,max")) {
    dnalm::pool_sequences(kind, dnalm::as_matrix(tokens.data(), 3, 2), batch, {special.data(), 3}, 0,
                          y.view());
    std::cout << dnalm::to_string(kind) << " " << y(0, 0) << " " << y(0, 1) << "\n";
  }
}

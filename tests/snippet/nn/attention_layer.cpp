// SPDX-License-Identifier: Apache-2.0
// Self-attention with its matrices: weights that copy the input make every token the mean of its sequence.
#include <iomanip>
#include <iostream>

#include <dnalm/nn/attention_layer.hpp>
#include <dnalm/reference/reference_backend.hpp>

int main() {
  const dnalm::reference_backend backend;
  dnalm::matrix<double> qkv(6, 2);  // rows of q and k are zero: equal scores
  qkv(4, 0) = qkv(5, 1) = 1;        // v = x
  dnalm::matrix<double> output(2, 2);
  output(0, 0) = output(1, 1) = 1;
  const dnalm::attention_layer<dnalm::reference_backend> layer{{backend.pack(qkv.view()), {}},
                                                               {backend.pack(output.view()), {}}};
  dnalm::ragged_offsets batch;
  batch.append(2);
  dnalm::matrix<double> x(2, 2), y(2, 2), narrow(2, 2), wide(2, 6);
  x(0, 0) = 1;
  x(1, 0) = 3;
  dnalm::buffer<double> scratch(layer.scratch(backend, 2, 2));
  const dnalm::block_workspace<dnalm::reference_backend> workspace{narrow.view(), wide.view(), scratch.view(),
                                                                   &batch};
  layer.forward(backend, x.view(), {}, workspace, y.view());
  std::cout << std::fixed << std::setprecision(2) << y(0, 0) << " " << y(1, 0) << "\n";
}

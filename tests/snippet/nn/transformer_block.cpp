// SPDX-License-Identifier: Apache-2.0
// A block whose weights are zero passes the residual stream on as it is.
#include <iostream>
#include <vector>

#include <dnalm/nn/transformer_block.hpp>
#include <dnalm/reference/reference_backend.hpp>

int main() {
  using backend_type = dnalm::reference_backend;
  const backend_type backend;
  const dnalm::index_t tokens = 3, width = 4, inner = 8;
  const auto zeros = [&](dnalm::index_t out, dnalm::index_t in) {
    return dnalm::linear_layer<backend_type>{backend.pack(dnalm::matrix<double>(out, in).view()), {}};
  };
  const auto norm = [&] {
    return dnalm::norm_layer<backend_type>{backend.upload(std::vector<double>(4, 1.0)),
                                           backend.allocate(width)};
  };
  const dnalm::transformer_block<backend_type> block{norm(),
                                                     {zeros(3 * width, width), zeros(width, width), 2},
                                                     norm(),
                                                     {zeros(inner, width), zeros(width, inner), inner}};
  dnalm::ragged_offsets batch;
  batch.append(tokens);
  dnalm::matrix<double> x(tokens, width), narrow(tokens, width), wide(tokens, 3 * width);
  dnalm::buffer<double> scratch(block.scratch(backend, tokens, width / 2));
  x(2, 1) = 1.5;
  block.forward(backend, {narrow.view(), wide.view(), scratch.view(), &batch}, x.view());
  std::cout << x(0, 0) << " " << x(2, 1) << "\n";
}

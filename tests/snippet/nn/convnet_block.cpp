// SPDX-License-Identifier: Apache-2.0
// A block whose norms scale by 0 leaves the stream as it is; one with a bias of 1 adds 1 in each half.
#include <iostream>
#include <vector>

#include <dnalm/nn/convnet_block.hpp>
#include <dnalm/reference/reference_backend.hpp>

int main() {
  using backend_type = dnalm::reference_backend;
  const backend_type backend;
  const std::vector<double> weight(2 * 6, 0.5);  // (2, 3 taps of 2 channels)
  const std::vector<double> zeros(2, 0.0);
  const std::vector<double> ones(2, 1.0);
  for (const std::vector<double>& beta : {zeros, ones}) {
    const dnalm::convnet_block<backend_type> block{
        {backend.pack(dnalm::as_matrix(weight.data(), 2, 6)), backend.upload(zeros), dnalm::same_taps(3)},
        {backend.upload(zeros), backend.upload(beta), 1e-5},
        {backend.pack(dnalm::as_matrix(weight.data(), 2, 2)), backend.upload(zeros)},
        {backend.upload(zeros), backend.upload(beta), 1e-5}};
    dnalm::ragged_offsets offsets;
    offsets.append(2);
    auto x = backend.upload(std::vector<double>{1, 2, 3, 4}, 2, 2);
    dnalm::matrix<double> narrow(2, 2);
    auto scratch = backend.allocate(block.scratch(backend));
    block.forward(backend, {narrow.view(), {}, scratch.view(), &offsets}, x.view());
    std::cout << x(0, 0) << " " << x(0, 1) << " " << x(1, 0) << " " << x(1, 1) << "\n";
  }
}

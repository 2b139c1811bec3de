// SPDX-License-Identifier: Apache-2.0
// From hidden states to one logit per token of the vocabulary: with zero weights only the last bias is left.
#include <iostream>
#include <vector>

#include <dnalm/nn/masked_lm_head.hpp>
#include <dnalm/reference/reference_backend.hpp>

int main() {
  const dnalm::reference_backend backend;
  const dnalm::index_t width = 4;
  const dnalm::matrix<double> dense(width, width);
  const dnalm::matrix<double> decoder(5, width);  // A, C, G, T, N
  const dnalm::masked_lm_head<dnalm::reference_backend> head{
      {backend.pack(dense.view()), {}},
      {backend.allocate(width), backend.allocate(width)},
      {backend.pack(decoder.view()), backend.upload(std::vector<double>{0.3, 0.2, 0.2, 0.3, -9})}};
  const dnalm::matrix<double> hidden(2, width);
  dnalm::matrix<double> narrow(2, width);
  dnalm::matrix<double> logits(2, 5);
  auto scratch = backend.allocate(head.scratch(backend));
  head.forward(backend, hidden.view(), narrow.view(), scratch.view(), logits.view());
  std::cout << logits.rows() << " x " << logits.columns() << ", N " << logits(1, 4) << "\n";
}

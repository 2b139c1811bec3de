// SPDX-License-Identifier: Apache-2.0
// A gated feed-forward layer, y = W2 (silu(a) b) with [a | b] = W1 x, whose gate is wide open or shut.
#include <iomanip>
#include <iostream>

#include <dnalm/nn/feed_forward_layer.hpp>
#include <dnalm/reference/reference_backend.hpp>

int main() {
  const dnalm::reference_backend backend;
  dnalm::matrix<double> first(2, 2);  // a = 50 x0, b = x1
  first(0, 0) = 50;
  first(1, 1) = 1;
  dnalm::matrix<double> second(2, 1);
  second(0, 0) = 0.02;
  const dnalm::feed_forward_layer<dnalm::reference_backend> layer{{backend.pack_gated(first.view()), {}},
                                                                  {backend.pack(second.view()), {}},
                                                                  1,
                                                                  dnalm::activation::silu,
                                                                  true};
  dnalm::matrix<double> x(2, 2), y(2, 2), wide(2, 1);
  auto scratch = backend.allocate(layer.scratch(backend));
  x(0, 0) = 1;
  x(0, 1) = x(1, 1) = 7;
  layer.forward(backend, x.view(), {}, {.narrow = {}, .wide = wide.view(), .scratch = scratch.view()},
                y.view());
  std::cout << std::fixed << std::setprecision(2) << y(0, 0) << " " << y(1, 0) << "\n";
}

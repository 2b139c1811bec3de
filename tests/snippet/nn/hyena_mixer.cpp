// SPDX-License-Identifier: Apache-2.0
// The operator on one channel with a filter of zeros: what is left is skip x0 x1 v, and the residual.
#include <iostream>

#include <dnalm/nn/hyena_mixer.hpp>
#include <dnalm/reference/reference_backend.hpp>

int main() {
  using backend = dnalm::reference_backend;
  const backend b;
  const double ones[] = {1, 1, 1};
  dnalm::hyena_mixer<backend> mixer;
  mixer.in = {b.pack(dnalm::as_matrix(ones, 3, 1)), b.upload(std::vector<double>{0, 0, 0})};
  mixer.out = {b.pack(dnalm::as_matrix(ones, 1, 1)), b.upload(std::vector<double>{0})};
  mixer.short_weight = b.upload(ones, 1, 3);  // one tap: itself
  mixer.short_bias = b.upload(std::vector<double>{0, 0, 0});
  mixer.skip = b.upload(std::vector<double>{10});
  mixer.filter.positions = std::make_shared<const dnalm::filter_positions>();  // no position: no taps
  mixer.filter.last.set(ones, 3, {});
  mixer.filter.last.outputs = 1;
  mixer.cache = std::make_unique<dnalm::filter_cache<backend>>(1000);

  dnalm::ragged_offsets offsets;
  offsets.append(2);
  dnalm::matrix<double> x(2, 1);
  x(0, 0) = 1;
  x(1, 0) = 2;
  dnalm::matrix<double> narrow(2, 1);
  dnalm::matrix<double> wide(2, 3);
  dnalm::matrix<double> convolved(2, 3);
  dnalm::buffer<double> scratch(mixer.scratch(b, 2));
  dnalm::sequence_filters<backend> filters;
  dnalm::hyena_workspace<backend> w;
  w.block = {narrow.view(), wide.view(), scratch.view(), &offsets};
  w.convolved = convolved.view();
  w.filters = &filters;
  mixer.find_filters(b, w);
  mixer.forward(b, x.view(), x.view(), w, x.view());
  std::cout << x(0, 0) << " " << x(1, 0) << "\n";
}

// SPDX-License-Identifier: Apache-2.0
// The mixer on one channel with no input to its states: what is left is the skip, once for each direction.
#include <iostream>

#include <dnalm/nn/mamba_mixer.hpp>
#include <dnalm/reference/reference_backend.hpp>

namespace {

using backend = dnalm::reference_backend;

dnalm::mamba_direction<backend> plain_direction(const backend& b) {
  const double one[] = {1};
  const double zeros[] = {0, 0, 0};
  dnalm::mamba_direction<backend> d;
  d.taps = b.upload(one, 1, 1);  // one tap: itself
  d.bias = b.upload(std::vector<double>{0});
  d.parts = {b.pack(dnalm::as_matrix(zeros, 3, 1)), {}};  // no steps, no B, no C
  d.steps = {b.pack(dnalm::as_matrix(one, 1, 1)), b.upload(std::vector<double>{0})};
  d.rates = b.upload(std::vector<double>{-1}, 1, 1);
  d.skip = b.upload(std::vector<double>{5});
  return d;
}

}  // namespace

int main() {
  const backend b;
  const double ones[] = {1, 1};
  dnalm::mamba_mixer<backend> mixer;
  mixer.in = {b.pack(dnalm::as_matrix(ones, 2, 1)), {}};
  mixer.out = {b.pack(dnalm::as_matrix(ones, 1, 1)), {}};
  mixer.ahead = plain_direction(b);
  mixer.back = plain_direction(b);

  dnalm::ragged_offsets offsets;
  offsets.append(2);
  dnalm::matrix<double> x(2, 1);
  x(0, 0) = 30;    // silu(30) = 30
  x(1, 0) = -800;  // silu(-800) = 0
  dnalm::matrix<double> wide(2, 3);
  dnalm::matrix<double> convolved(2, 1);
  dnalm::matrix<double> delta(2, 1);
  dnalm::matrix<double> parts(2, 3);
  dnalm::buffer<double> scratch(mixer.scratch(b));
  dnalm::mamba_workspace<backend> w;
  w.wide = wide.view();
  w.convolved = convolved.view();
  w.delta = delta.view();
  w.parts = parts.view();
  w.scratch = scratch.view();
  w.offsets = &offsets;
  mixer.forward(b, x.view(), x.view(), w, w.wide, x.view());  // x + silu(x) (5 silu(x) + 5 silu(x))
  std::cout << x(0, 0) << " " << x(1, 0) << "\n";
}

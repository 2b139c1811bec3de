// SPDX-License-Identifier: Apache-2.0
// A block that keeps what its adjoint needs computes the same bits as one that does not.
#include <cstring>

#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/reference/reference_backend.hpp>
#include <support/catch.hpp>

#include "layer_fixtures.hpp"

namespace {

using namespace dnalm_test;  // NOLINT
using dnalm::activation;
using dnalm::norm_placement;
using dnalm::weight_format;

std::vector<block_shape> shapes() {
  std::vector<block_shape> all;
  for (const auto placement : {norm_placement::pre, norm_placement::post, norm_placement::pre_normed}) {
    for (const auto function : {activation::gelu_erf, activation::gelu_tanh, activation::silu}) {
      for (const bool gated : {false, true}) {
        for (const bool attention_norm : {false, true}) {
          block_shape s;
          s.placement = placement;
          s.function = function;
          s.gated = gated;
          s.attention_norm = attention_norm;
          s.biases = all.size() % 4 < 2;
          s.rotated = 8;
          s.width = 48;
          s.inner = 67;
          all.push_back(s);
        }
      }
    }
  }
  return all;
}

template <class Left, class Right>
bool same_bits(const Left& left, const Right& right) {
  if (left.rows != right.rows || left.columns != right.columns) return false;
  for (dnalm::index_t r = 0; r < left.rows; ++r) {
    const auto bytes = static_cast<std::size_t>(left.columns) * sizeof(*left.data);
    if (std::memcmp(left.row_data(r), right.row_data(r), bytes) != 0) return false;
  }
  return true;
}

template <class B>
void compare(const B& backend, const block_shape& s) {
  using T = typename B::scalar;
  const dnalm::ragged_offsets offsets = ragged({5, 1, 23});
  const auto block = random_block(backend, 5, s);
  number_source source(6);
  const auto x = random_matrix<T>(source, offsets.rows(), s.width);
  poisoned_workspace<B> memory(backend, s, offsets, block.scratch(backend, 23, s.width / s.heads));
  dnalm::matrix<T> expected(offsets.rows(), s.width);
  dnalm::matrix<T> found(offsets.rows(), s.width);
  block.forward(backend, memory.w, x.view(), expected.view());
  poison(memory.w.narrow);
  poison(memory.w.wide);
  block.forward_recorded(backend, memory.w, x.view(), memory.record, found.view());
  CHECK(memory.intact());
  CHECK(same_bits(expected.view(), found.view()));
  poisoned_workspace<B> again(backend, s, offsets, block.scratch(backend, 23, s.width / s.heads));
  block.make_record(backend, again.w, x.view(), again.record);
  CHECK(again.intact());
  CHECK(same_bits(memory.record.projected, again.record.projected));
  CHECK(same_bits(memory.record.middle, again.record.middle));
  CHECK(same_bits(memory.record.inner, again.record.inner));
  if (s.placement == dnalm::norm_placement::post) CHECK(same_bits(memory.record.sum, again.record.sum));
}

}  // namespace

TEST_CASE("transformer_block: a forward pass with a record has the bits of one without", "[nn][gradient]") {
  for (const block_shape& s : shapes()) {
    INFO(s.text());
    compare(dnalm::reference_backend(), s);
    for (const auto set :
         {dnalm::isa::portable, dnalm::isa::avx2, dnalm::isa::avx512, dnalm::isa::avx512_bf16}) {
      if (!dnalm::supports(set)) continue;
      for (const auto format : {weight_format::f32, weight_format::bf16, weight_format::int8}) {
        INFO(dnalm::to_string(set) << " " << dnalm::to_string(format));
        compare(dnalm::cpu_backend(set, format), s);
      }
    }
  }
}

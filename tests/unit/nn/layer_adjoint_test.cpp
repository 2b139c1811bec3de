// SPDX-License-Identifier: Apache-2.0
// The adjoint of every layer: the generic adjoint test in double, float against double, and bitwise batches.
#include <cstring>

#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/nn/embedding_layer.hpp>
#include <dnalm/nn/masked_lm_head.hpp>
#include <dnalm/reference/reference_backend.hpp>
#include <support/adjoint_test.hpp>
#include <support/catch.hpp>

#include "layer_fixtures.hpp"

namespace {

using namespace dnalm_test;  // NOLINT
using dnalm::activation;
using dnalm::norm_placement;
using double_matrix = dnalm::matrix<double>;
using double_view = dnalm::matrix_view<double>;
using const_view = dnalm::matrix_view<const double>;

const dnalm::reference_backend reference;

template <class T>
dnalm::matrix<T> not_written(index_t rows, index_t columns) {
  dnalm::matrix<T> y(rows, columns);
  poison(y.view());
  return y;
}

double_matrix as_rows(const numbers& values, index_t rows) {
  double_matrix x(rows, rows == 0 ? 0 : static_cast<index_t>(values.size()) / rows);
  std::copy(values.begin(), values.end(), x.data());
  return x;
}
numbers as_numbers(const double_matrix& x) {
  return {x.data(), x.data() + x.rows() * x.columns()};
}

/// The generic adjoint test for a layer (rows, in) -> (rows, out), where `adjoint(x, u)` is J^T u. Step
/// 1/512: LayerNorm of a row that is short compared with t, and a second layer behind it, bring poles near.
template <class Forward, class Adjoint>
void check_layer(Forward&& forward, Adjoint&& adjoint, index_t rows, index_t in, index_t out,
                 std::uint64_t seed) {
  adjoint_problem problem;
  problem.x = normal_numbers(rows * in, 7000 + seed);
  problem.forward = [&](const numbers& x) {
    auto y = not_written<double>(rows, out);
    const double_matrix input = as_rows(x, rows);
    forward(input.view(), y.view());
    return as_numbers(y);
  };
  problem.vjp = [&](const numbers& x, const numbers& u) {
    return as_numbers(adjoint(as_rows(x, rows), as_rows(u, rows)));
  };
  problem.step = 0x1p-9;
  check_adjoint(problem, seed);
}

double_matrix copy_of(const_view x) {
  double_matrix y(x.rows, x.columns);
  for (index_t r = 0; r < x.rows; ++r) std::copy_n(x.row_data(r), x.columns, y.data() + r * x.columns);
  return y;
}
double_matrix copy_of(const double_matrix& x) {
  return copy_of(x.view());
}

bool same_bits(const double_matrix& a, const double_matrix& b) {
  return std::memcmp(a.data(), b.data(), static_cast<std::size_t>(a.rows() * a.columns()) * sizeof(double)) ==
         0;
}

/// Every placement, gate, bias, position rule and window.
std::vector<block_shape> block_shapes() {
  struct positions {
    bool alibi;
    index_t rotated;
    bool scale_first;
  };
  const positions kinds[] = {{false, 0, true}, {false, 4, true}, {false, 2, false}, {true, 0, false}};
  const activation functions[] = {activation::gelu_erf, activation::gelu_tanh, activation::silu};
  std::vector<block_shape> shapes;
  for (const auto placement : {norm_placement::pre, norm_placement::post, norm_placement::pre_normed}) {
    for (const bool attention_norm : {true, false}) {
      for (const bool gated : {false, true}) {
        for (const positions& kind : kinds) {
          for (const index_t window : {0, 2}) {
            block_shape s;
            s.placement = placement;
            s.attention_norm = attention_norm;
            s.gated = gated;
            s.biases = shapes.size() % 3 != 0;
            s.function = functions[shapes.size() % 3];
            s.alibi = kind.alibi;
            s.rotated = kind.rotated;
            s.scale_query_first = kind.scale_first;
            s.window = window;
            shapes.push_back(s);
          }
        }
      }
    }
  }
  return shapes;
}

const dnalm::ragged_offsets batch = ragged({5, 1, 7});

index_t block_scratch(const dnalm::transformer_block<dnalm::reference_backend>& block, const block_shape& s) {
  return block.vjp_scratch(reference, 7, s.width / s.heads);
}

}  // namespace

TEST_CASE("linear_layer: the adjoint of the product, with and without a residual", "[nn][gradient]") {
  for (const index_t width : {1, 3, 16, 17, 33, 65}) {
    number_source source(static_cast<std::uint64_t>(width));
    const auto layer = random_linear(reference, source, 2 * width + 1, width, true);
    const auto residual = random_matrix<double>(source, 4, width);
    dnalm::buffer<double> scratch(layer.vjp_scratch(reference));
    dnalm::buffer<double> forward_scratch(layer.scratch(reference));
    const auto forward = [&](const_view x, double_view y) {
      layer.forward(reference, x, forward_scratch.view(), y);
    };
    const auto adjoint = [&](const double_matrix&, const double_matrix& u) {
      auto dx = not_written<double>(4, width);
      layer.vjp(reference, u.view(), scratch.view(), dx.view());
      auto added = copy_of(residual);
      layer.vjp(reference, u.view(), scratch.view(), added.view(), added.view());
      for (index_t i = 0; i < 4 * width; ++i)
        CHECK(added.data()[i] == Approx(residual.data()[i] + dx.data()[i]).margin(1e-13));
      return dx;
    };
    check_layer(forward, adjoint, 4, width, 2 * width + 1, 1);
  }
}

TEST_CASE("norm_layer: the adjoint of LayerNorm, in place too", "[nn][gradient]") {
  for (const index_t width : {2, 3, 16, 33, 64}) {
    number_source source(static_cast<std::uint64_t>(width));
    const auto layer = random_norm(reference, source, width);
    const auto forward = [&](const_view x, double_view y) { layer.forward(reference, x, y); };
    const auto adjoint = [&](const double_matrix& x, const double_matrix& u) {
      auto dx = not_written<double>(3, width);
      layer.vjp(reference, x.view(), u.view(), dx.view());
      auto in_place = copy_of(u);
      layer.vjp(reference, x.view(), in_place.view(), in_place.view());
      CHECK(same_bits(dx, in_place));
      return dx;
    };
    if (width == 2) {  // xhat is a sign: the derivative is 0 up to eps, and so must the adjoint be
      const auto x = random_matrix<double>(source, 3, 2);
      const auto u = random_matrix<double>(source, 3, 2);
      const auto dx = adjoint(x, u);
      for (index_t i = 0; i < 6; ++i) CHECK(std::abs(dx.data()[i]) < 1e-9);
    } else {
      check_layer(forward, adjoint, 3, width, width, 2);
    }
  }
}

TEST_CASE("feed_forward_layer: the adjoint for both forms, all functions and every permitted overlap",
          "[nn][gradient]") {
  for (const bool gated : {false, true}) {
    for (const auto function :
         {activation::none, activation::gelu_erf, activation::gelu_tanh, activation::silu}) {
      block_shape s;
      s.gated = gated;
      s.function = function;
      s.biases = function != activation::silu;
      INFO(s.text());
      number_source source(7);
      const auto layer = random_feed_forward(reference, source, s);
      const index_t scratch = std::max(layer.scratch(reference), layer.vjp_scratch(reference));
      const auto forward = [&](const_view x, double_view y) {
        poisoned_workspace<dnalm::reference_backend> memory(reference, s, batch, scratch);
        layer.forward(reference, x, x, memory.w, y);
      };
      const auto adjoint = [&](const double_matrix& x, const double_matrix& u) {
        poisoned_workspace<dnalm::reference_backend> memory(reference, s, batch, scratch);
        const auto& z = memory.record.inner;
        CHECK(z.columns == layer.inner_columns());
        layer.project(reference, x.view(), memory.w, z);
        const auto kept = copy_of(const_view(z));
        auto dx = not_written<double>(13, s.width);
        layer.vjp(reference, z, u.view(), u.view(), memory.w, dx.view());
        CHECK(memory.intact());
        std::copy_n(kept.data(), 13 * z.columns, z.data);
        auto over_dy = copy_of(u);  // dx = dy = residual
        layer.vjp(reference, z, over_dy.view(), over_dy.view(), memory.w, over_dy.view());
        CHECK(same_bits(dx, over_dy));
        return dx;
      };
      check_layer(forward, adjoint, 13, s.width, s.width, 3);
    }
  }
}

TEST_CASE("attention_layer: the adjoint for all position rules, windows and ragged batches",
          "[nn][gradient]") {
  for (const block_shape& s : block_shapes()) {
    if (s.placement != norm_placement::pre || s.gated || !s.attention_norm) continue;
    INFO(s.text());
    number_source source(11);
    const auto layer = random_attention(reference, source, s);
    const index_t width = s.width;
    const index_t scratch = std::max(layer.scratch(reference, 7, width / s.heads),
                                     layer.vjp_scratch(reference, 7, width / s.heads));
    const auto forward = [&](const_view x, double_view y) {
      poisoned_workspace<dnalm::reference_backend> memory(reference, s, batch, scratch);
      layer.forward(reference, x, x, memory.w, y);
    };
    const auto adjoint = [&](const double_matrix& x, const double_matrix& u) {
      poisoned_workspace<dnalm::reference_backend> memory(reference, s, batch, scratch);
      auto block = memory.w;
      block.wide = memory.record.projected;
      auto y = not_written<double>(13, width);
      layer.forward(reference, x.view(), x.view(), block, y.view());
      auto dx = not_written<double>(13, width);
      layer.vjp(reference, memory.record.projected, u.view(), u.view(), memory.w, dx.view());
      auto over_dy = copy_of(u);
      layer.vjp(reference, memory.record.projected, over_dy.view(), over_dy.view(), memory.w, over_dy.view());
      CHECK(same_bits(dx, over_dy));
      layer.vjp(reference, memory.record.projected, u.view(), u.view(), memory.w, memory.w.narrow);
      CHECK(std::memcmp(dx.data(), memory.w.narrow.data, 13 * 12 * sizeof(double)) == 0);
      CHECK(memory.intact());
      return dx;
    };
    check_layer(forward, adjoint, 13, width, width, 4);
  }
}

TEST_CASE("transformer_block: the adjoint for every placement, gate, position rule and window",
          "[nn][gradient]") {
  std::uint64_t seed = 20;
  for (const block_shape& s : block_shapes()) {
    INFO(s.text());
    const auto block = random_block(reference, ++seed, s);
    const index_t scratch = block_scratch(block, s);
    const auto forward = [&](const_view x, double_view y) {
      poisoned_workspace<dnalm::reference_backend> memory(reference, s, batch, scratch);
      block.forward(reference, memory.w, x, y);
    };
    const auto adjoint = [&](const double_matrix& x, const double_matrix& u) {
      poisoned_workspace<dnalm::reference_backend> memory(reference, s, batch, scratch);
      auto dx = copy_of(u);
      block.make_record(reference, memory.w, x.view(), memory.record);
      block.vjp(reference, x.view(), memory.record, memory.w, dx.view());
      CHECK(memory.intact());
      return dx;
    };
    check_layer(forward, adjoint, 13, s.width, s.width, 5);
  }
}

TEST_CASE("transformer_block: forward to another matrix equals forward in place", "[nn]") {
  for (const block_shape& s : block_shapes()) {
    INFO(s.text());
    const auto block = random_block(reference, 3, s);
    number_source source(9);
    const auto x = random_matrix<double>(source, 13, s.width);
    poisoned_workspace<dnalm::reference_backend> memory(reference, s, batch, block_scratch(block, s));
    auto y = not_written<double>(13, s.width);
    block.forward(reference, memory.w, x.view(), y.view());
    auto in_place = copy_of(x);
    block.forward(reference, memory.w, in_place.view());
    CHECK(same_bits(y, in_place));
  }
}

TEST_CASE("embedding_layer: the adjoint to the words' rows, through norm, positions, types and token dropout",
          "[nn][gradient]") {
  const index_t width = 9;
  const std::vector<std::int32_t> ids = {3, 1, 0, 4, 2, 5, 0, 1, 1, 3, 4, 5, 3};  // 0 masks, 1 padding
  for (int variant = 0; variant < 16; ++variant) {
    INFO(variant);
    number_source source(31);
    dnalm::embedding_layer<dnalm::reference_backend> layer;
    layer.words = random_matrix<double>(source, 6, width);
    if ((variant & 1) != 0) layer.norm = random_norm(reference, source, width);
    if ((variant & 2) != 0) layer.positions = random_matrix<double>(source, 12, width);
    if ((variant & 4) != 0) layer.dropout_mask = 0;
    if ((variant & 8) != 0) {
      layer.types = random_matrix<double>(source, 2, width);
      layer.pad = 1;
    }
    dnalm::embedding_workspace<double> w;
    const auto forward = [&](const_view x, double_view y) {
      layer.forward(reference, {.ids = ids, .offsets = batch, .word_rows = x}, w, y);
    };
    const auto adjoint = [&](const double_matrix& x, const double_matrix& u) {
      auto narrow = not_written<double>(13, width);
      auto d = copy_of(u);
      layer.vjp(reference, {.ids = ids, .offsets = batch, .word_rows = x.view()}, w, narrow.view(), d.view());
      for (index_t c = 0; layer.dropout_mask && c < width; ++c) CHECK(d(2, c) == 0.0);
      return d;
    };
    check_layer(forward, adjoint, 13, width, width, 6);

    auto rows = not_written<double>(13, width);
    reference.embed_rows(ids, layer.words.view(), {}, rows.view());
    auto looked_up = not_written<double>(13, width);
    auto given = not_written<double>(13, width);
    layer.forward(reference, ids, batch, {}, w, looked_up.view());
    forward(rows.view(), given.view());
    CHECK(same_bits(looked_up, given));
  }
}

TEST_CASE("masked_lm_head: the adjoint for every function", "[nn][gradient]") {
  for (const auto function : {activation::gelu_erf, activation::gelu_tanh, activation::silu}) {
    number_source source(41);
    dnalm::masked_lm_head<dnalm::reference_backend> head{
        random_linear(reference, source, 10, 10, true), random_norm(reference, source, 10),
        random_linear(reference, source, 23, 10, true), function};
    dnalm::buffer<double> scratch(head.vjp_scratch(reference));
    const auto forward = [&](const_view x, double_view y) {
      auto narrow = not_written<double>(5, 10);
      head.forward(reference, x, narrow.view(), scratch.view(), y);
    };
    const auto adjoint = [&](const double_matrix& x, const double_matrix& u) {
      auto narrow = not_written<double>(5, 10);
      auto gradient = not_written<double>(5, 10);
      auto dx = not_written<double>(5, 10);
      head.vjp(reference, x.view(), u.view(), narrow.view(), gradient.view(), scratch.view(), dx.view());
      return dx;
    };
    check_layer(forward, adjoint, 5, 10, 23, 8);
  }
}

namespace {

/// The adjoint of a random block for one batch; x and dy come from the seed, row by row.
template <class B>
dnalm::matrix<typename B::scalar> block_gradient(const B& backend, const block_shape& s,
                                                 const dnalm::matrix<double>& x,
                                                 const dnalm::matrix<double>& dy,
                                                 const dnalm::ragged_offsets& offsets, index_t longest) {
  using T = typename B::scalar;
  const auto block = random_block(backend, 77, s);
  poisoned_workspace<B> memory(backend, s, offsets, block.vjp_scratch(backend, longest, s.width / s.heads));
  dnalm::matrix<T> input(x.rows(), x.columns());
  dnalm::matrix<T> gradient(x.rows(), x.columns());
  for (index_t i = 0; i < x.rows() * x.columns(); ++i) {
    input.data()[i] = static_cast<T>(x.data()[i]);
    gradient.data()[i] = static_cast<T>(dy.data()[i]);
  }
  block.make_record(backend, memory.w, input.view(), memory.record);
  block.vjp(backend, input.view(), memory.record, memory.w, gradient.view());
  CHECK(memory.intact());
  return gradient;
}

double_matrix rows_of(const double_matrix& x, index_t first, index_t count) {
  double_matrix part(count, x.columns());
  std::copy_n(x.data() + first * x.columns(), count * x.columns(), part.data());
  return part;
}

std::vector<block_shape> wide_shapes() {
  auto shapes = block_shapes();
  for (block_shape& s : shapes) {
    s.width = 48;
    s.inner = 67;
    s.rotated *= 4;  // heads of 16 channels: 16 or 8 of them
  }
  return shapes;
}

}  // namespace

TEST_CASE("transformer_block: the float adjoint is the double one, with every instruction set",
          "[nn][gradient]") {
  // About 12 kernels, each a chain of at most 144 float operations: 144 x 2^-24 = 9e-6 of the sum of absolute
  // terms at worst, sqrt(144) x 2^-24 = 7e-7 as rounding errors add up; sqrt(12) such steps stay below 2e-5.
  number_source source(51);
  const auto x = random_matrix<double>(source, 13, 48);
  const auto dy = random_matrix<double>(source, 13, 48);
  for (const block_shape& s : wide_shapes()) {
    INFO(s.text());
    const auto expected = block_gradient(reference, s, x, dy, batch, 7);
    double largest = 0.0;
    for (index_t i = 0; i < 13 * 48; ++i) largest = std::max(largest, std::abs(expected.data()[i]));
    for (const auto set : {dnalm::isa::portable, dnalm::isa::avx2, dnalm::isa::avx512}) {
      if (!dnalm::supports(set)) continue;
      const auto found = block_gradient(dnalm::cpu_backend(set), s, x, dy, batch, 7);
      double worst = 0.0;
      for (index_t i = 0; i < 13 * 48; ++i) {
        const double gap = std::abs(expected.data()[i] - static_cast<double>(found.data()[i]));
        worst = std::isnan(gap) ? 1e300 : std::max(worst, gap);
      }
      CHECK(worst / largest < 2e-5);
    }
  }
}

TEST_CASE("transformer_block: the adjoint of a sequence does not depend on its batch (bitwise)",
          "[nn][gradient]") {
  number_source source(52);
  const auto x = random_matrix<double>(source, 13, 48);
  const auto dy = random_matrix<double>(source, 13, 48);
  const auto compare = [&](const auto& backend, const block_shape& s) {
    const auto together = block_gradient(backend, s, x, dy, batch, 7);
    for (index_t i = 0; i < batch.sequences(); ++i) {
      const index_t first = batch.begin(i);
      const index_t length = batch.length(i);
      const auto alone = block_gradient(backend, s, rows_of(x, first, length), rows_of(dy, first, length),
                                        ragged({length}), length);
      const auto bytes = static_cast<std::size_t>(length * 48) * sizeof(*alone.data());
      CHECK(std::memcmp(alone.data(), together.data() + first * 48, bytes) == 0);
    }
  };
  for (const block_shape& s : wide_shapes()) {
    INFO(s.text());
    compare(reference, s);
    for (const auto set : {dnalm::isa::portable, dnalm::isa::avx2, dnalm::isa::avx512}) {
      if (dnalm::supports(set)) compare(dnalm::cpu_backend(set), s);
    }
  }
}

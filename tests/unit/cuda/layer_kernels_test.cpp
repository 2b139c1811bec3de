// SPDX-License-Identifier: Apache-2.0
// Kernels of networks of layers on the emulated grid: pools, moves, channels and convolutions that resize.
#include <unit/cuda/layer_kernel_runs.hpp>

using dnalm::index_t;
using dnalm_test::check_resizing;
using dnalm_test::resizing_case;

namespace {

constexpr index_t widths[] = {6, 33};

/// Windows apart, shared out (Keras' `same`), overlapping with missing rows, longer than their stride.
const dnalm::row_window windows[] = {
    {.size = 4, .stride = 4},
    {.size = 3, .stride = 2, .same = true},
    {.size = 5, .stride = 2, .before = 2, .after = 2},
    {.size = 5, .stride = 2, .before = 2, .after = 2, .counts_missing = true},
};

/// A case whose input and output have `columns` columns.
resizing_case even_case(std::string name, index_t columns, double terms) {
  resizing_case c;
  c.name = std::move(name);
  c.x_columns = c.u_columns = c.y_columns = columns;
  c.terms = terms;
  return c;
}
resizing_case adjoint_of(resizing_case c) {
  c.name += ", adjoint";
  c.back = true;
  return c;
}

}  // namespace

TEST_CASE("cuda: pools of windows are those of the reference", "[cuda][layers]") {
  for (const index_t columns : widths) {
    for (const dnalm::row_window& window : windows) {
      resizing_case c = even_case("windows of " + std::to_string(window.size), columns, 0.0);
      c.rows = [&](index_t length) { return window.output_rows(length); };
      check_resizing(c, [&](const auto& w, const auto& from, const auto& to, auto x, auto, auto y) {
        w.kernels.max_pool_rows(x, from, window, to, y);
      });
      c.terms = 5.0;
      check_resizing(c, [&](const auto& w, const auto& from, const auto& to, auto x, auto, auto y) {
        w.kernels.average_pool_rows(x, from, window, to, y);
      });
      check_resizing(adjoint_of(c), [&](const auto& w, const auto& from, const auto& to, auto x, auto u,
                                        auto y) { w.kernels.max_pool_rows_vjp(x, from, window, u, to, y); });
      check_resizing(adjoint_of(c), [&](const auto& w, const auto& from, const auto& to, auto, auto u,
                                        auto y) { w.kernels.average_pool_rows_vjp(from, window, u, to, y); });
    }
  }
}

TEST_CASE("cuda: equal numbers pass the gradient of their largest to the first", "[cuda][layers]") {
  std::vector<float> x{1, 2, 2, 1, 2, 0};
  std::vector<float> dy{3, 5};
  std::vector<float> dx(6, -1.0F);
  const dnalm::cuda_backend gpu;
  const auto rows = [](std::vector<float>& v) {
    return dnalm::device_matrix<float>{v.data(), static_cast<index_t>(v.size()), 1, 1};
  };
  const auto from = dnalm_test::make_offsets({6});
  const auto to = dnalm_test::make_offsets({2});
  gpu.max_pool_rows_vjp(rows(x), from, {.size = 3, .stride = 3}, rows(dy), to, rows(dx));
  CHECK(dx == std::vector<float>{0, 3, 0, 0, 5, 0});
  dy.resize(1);
  gpu.sequence_max_vjp(rows(x), from, rows(dy), rows(dx));
  CHECK(dx == std::vector<float>{0, 3, 0, 0, 0, 0});
}

TEST_CASE("cuda: one row of a sequence is that of the reference", "[cuda][layers]") {
  for (const index_t columns : widths) {
    resizing_case c = even_case("of a sequence", columns, 12.0);
    c.rows = [](index_t) { return index_t{1}; };
    check_resizing(c, [](const auto& w, const auto& from, const auto&, auto x, auto, auto y) {
      w.kernels.sequence_mean(x, from, y);
    });
    check_resizing(c, [](const auto& w, const auto& from, const auto&, auto x, auto, auto y) {
      w.kernels.sequence_max(x, from, y);
    });
    const resizing_case back = adjoint_of(c);
    check_resizing(back, [](const auto& w, const auto& from, const auto&, auto, auto u, auto y) {
      w.kernels.sequence_mean_vjp(from, u, y);
    });
    check_resizing(back, [](const auto& w, const auto& from, const auto&, auto x, auto u, auto y) {
      w.kernels.sequence_max_vjp(x, from, u, y);
    });
    check_resizing(back, [](const auto& w, const auto& from, const auto&, auto x, auto u, auto y) {
      w.kernels.multiply_sequences(x, u, from, y);
    });
    c.x_columns = 2 * columns;  // x beside dy
    check_resizing(c, [&](const auto& w, const auto& from, const auto&, auto x, auto, auto y) {
      w.kernels.multiply_sequences_vjp(x.column_block(0, columns), from, x.column_block(columns, columns), y);
    });
  }
}

TEST_CASE("cuda: masked means are those of the reference", "[cuda][layers]") {
  const index_t columns = 7;
  resizing_case c = even_case("masked mean", columns, 12.0);
  c.x_columns = columns + 3;  // x beside its mask, whose numbers add up to some more than 0
  c.positive = true;
  c.rows = [](index_t) { return index_t{1}; };
  const auto data = [&](auto x) { return x.column_block(0, columns); };
  const auto mask = [&](auto x) { return x.column_block(columns, 3); };
  check_resizing(c, [&](const auto& w, const auto& from, const auto&, auto x, auto, auto y) {
    w.kernels.masked_mean(data(x), mask(x), from, y);
  });
  c.y_columns = columns + 3;
  c.u_columns = 2 * columns;  // dy beside y
  c.terms = 40.0;
  check_resizing(adjoint_of(c), [&](const auto& w, const auto& from, const auto&, auto x, auto u, auto y) {
    w.kernels.masked_mean_vjp(data(x), mask(x), u.column_block(columns, columns), from,
                              u.column_block(0, columns), data(y), mask(y));
  });
}

TEST_CASE("cuda: attention pools are those of the reference", "[cuda][layers]") {
  for (const index_t columns : widths) {
    resizing_case c = even_case("softmax pool", columns, 12.0);
    c.x_columns = 2 * columns;  // x beside logits
    c.rows = [](index_t length) { return (length + 1) / 2; };
    const auto first = [&](auto x) { return x.column_block(0, columns); };
    const auto second = [&](auto x) { return x.column_block(columns, columns); };
    check_resizing(c, [&](const auto& w, const auto& from, const auto& to, auto x, auto, auto y) {
      w.kernels.softmax_pool_rows(first(x), second(x), from, 2, to, y);
    });
    c.y_columns = 2 * columns;
    check_resizing(
        adjoint_of(c), [&](const auto& w, const auto& from, const auto& to, auto x, auto u, auto y) {
          w.kernels.softmax_pool_rows_vjp(first(x), second(x), from, 2, u, to, first(y), second(y));
        });
  }
}

TEST_CASE("cuda: rows are placed, repeated, turned and joined as the reference does", "[cuda][layers]") {
  for (const index_t columns : widths) {
    for (const bool filled : {false, true}) {
      for (const dnalm::row_placement& placement :
           {dnalm::row_placement{.before = 2}, dnalm::row_placement{.before = -3},
            dnalm::row_placement{.centred = true}, dnalm::row_placement{.last = true}}) {
        resizing_case c = even_case("placed", columns, 0.0);
        c.rows = [](index_t) { return index_t{6}; };
        check_resizing(c, [&](const auto& w, const auto& from, const auto& to, auto x, auto, auto y) {
          auto fill = w.constant(1, columns, 5).row(0);
          if (!filled) fill = {};
          w.kernels.place_rows(x, from, placement, fill, to, y);
        });
        check_resizing(adjoint_of(c), [&](const auto& w, const auto& from, const auto& to, auto, auto u,
                                          auto y) { w.kernels.place_rows_vjp(u, from, placement, to, y); });
      }
    }
    resizing_case c = even_case("repeated", columns, 0.0);
    c.rows = [](index_t length) { return 3 * length; };
    check_resizing(c, [](const auto& w, const auto&, const auto&, auto x, auto, auto y) {
      w.kernels.repeat_rows(x, 3, y);
    });
    c.terms = 3.0;
    check_resizing(adjoint_of(c), [](const auto& w, const auto&, const auto&, auto, auto u, auto y) {
      w.kernels.repeat_rows_vjp(u, 3, y);
    });
    check_resizing(even_case("reversed", columns, 0.0),
                   [](const auto& w, const auto& from, const auto&, auto x, auto, auto y) {
                     w.kernels.reverse_rows(x, from, y);
                   });
    c = even_case("joined", columns, 0.0);
    c.rows = [](index_t length) { return length + 2; };
    const auto first_of = [](const dnalm::ragged_offsets& from) {
      std::vector<index_t> first;
      for (index_t s = 0; s < from.sequences(); ++s) first.push_back(from.length(s) % 3);
      return first;
    };
    check_resizing(c, [&](const auto& w, const auto& from, const auto& to, auto x, auto u, auto y) {
      const std::vector<index_t> first = first_of(from);
      w.kernels.copy_matrix(u, y);  // the rows that stay
      w.kernels.join_rows(x, from, {first.data(), from.sequences()}, to, y);
    });
    check_resizing(adjoint_of(c), [&](const auto& w, const auto& from, const auto& to, auto, auto u, auto y) {
      const std::vector<index_t> first = first_of(from);
      w.kernels.join_rows_vjp(u, from, {first.data(), from.sequences()}, to, y);
    });
  }
}

TEST_CASE("cuda: rows are flattened and their positions weighed and projected as the reference does",
          "[cuda][layers]") {
  const index_t length = 5;
  const index_t columns = 6;
  for (const bool by_channels : {false, true}) {
    resizing_case c = even_case("flat", columns, 0.0);
    c.lengths = {length, length, length};
    c.rows = [](index_t) { return index_t{1}; };
    c.u_columns = c.y_columns = length * columns;
    check_resizing(c, [&](const auto& w, const auto&, const auto&, auto x, auto, auto y) {
      w.kernels.flatten_rows(x, length, by_channels, y);
    });
    c.y_columns = columns;
    check_resizing(adjoint_of(c), [&](const auto& w, const auto&, const auto&, auto, auto u, auto y) {
      w.kernels.flatten_rows_vjp(u, length, by_channels, y);
    });
  }
  for (const index_t wide : widths) {
    resizing_case c = even_case("positions", wide, 1.0);
    c.lengths = {length, length};
    check_resizing(c, [&](const auto& w, const auto&, const auto&, auto x, auto, auto y) {
      w.kernels.weigh_positions(x, w.constant(length, wide, 6), y);
    });
    c.terms = 7.0;
    c.rows = [](index_t) { return index_t{3}; };
    check_resizing(c, [&](const auto& w, const auto&, const auto&, auto x, auto, auto y) {
      w.kernels.project_positions(x, w.constant(3, length, 7), y);
    });
    check_resizing(adjoint_of(c), [&](const auto& w, const auto&, const auto&, auto, auto u, auto y) {
      w.kernels.project_positions_vjp(u, w.constant(3, length, 7), y);
    });
  }
}

TEST_CASE("cuda: channels are scaled and cut off as the reference does", "[cuda][layers]") {
  for (const index_t columns : widths) {
    const resizing_case c = even_case("channels", columns, 2.0);
    for (const bool shifted : {false, true}) {
      check_resizing(c, [&](const auto& w, const auto&, const auto&, auto x, auto, auto y) {
        auto shift = w.constant(1, columns, 9).row(0);
        if (!shifted) shift = {};
        w.kernels.copy_matrix(x, y);
        w.kernels.scale_channels(y, w.constant(1, columns, 8).row(0), shift, y);
      });
    }
    check_resizing(c, [](const auto& w, const auto&, const auto&, auto x, auto, auto y) {
      using T = typename std::decay_t<decltype(w)>::backend::scalar;
      w.kernels.threshold_rows(x, T(0.25), T(-0.5), y);
    });
    check_resizing(c, [](const auto& w, const auto&, const auto&, auto x, auto u, auto y) {
      using T = typename std::decay_t<decltype(w)>::backend::scalar;
      w.kernels.threshold_rows_vjp(x, T(0.25), u, y);
    });
  }
}

TEST_CASE("cuda: a row a sequence is added to all its rows", "[cuda][layers]") {
  std::vector<float> y{1, 2, 3, 4, 5, 6};
  std::vector<float> g{10, 20, 30, 40};
  const auto offsets = dnalm_test::make_offsets({2, 1});
  const dnalm::cuda_backend gpu;
  gpu.add_sequences({g.data(), 2, 2, 2}, offsets, {y.data(), 3, 2, 2});
  CHECK(y == std::vector<float>{11, 22, 13, 24, 35, 46});
  gpu.add_sequences_vjp({y.data(), 3, 2, 2}, offsets, {g.data(), 2, 2, 2});
  CHECK(g == std::vector<float>{24, 46, 35, 46});
}

TEST_CASE("cuda: convolutions that resize are those of the reference", "[cuda][layers][convolution]") {
  const dnalm::convolution_taps all_taps[] = {
      {.taps = 4, .dilation = 1, .before = 0, .stride = 4},
      {.taps = 5, .dilation = 2, .before = 3, .stride = 2},
      {.taps = 3, .dilation = 1, .before = 2, .stride = 5},
      {.taps = 3, .dilation = 2, .before = 0, .stride = 1},
  };
  for (const dnalm::convolution_taps& taps : all_taps) {
    resizing_case c = even_case("stride " + std::to_string(taps.stride), 6, 25.0);
    c.lengths = {9, 20, 7, 31};
    c.rows = [&](index_t length) { return taps.output_rows(length, 1); };
    check_resizing(c, [&](const auto& w, const auto& from, const auto& to, auto x, auto, auto y) {
      w.kernels.depthwise_convolution(x, from, w.constant(taps.taps, 6, 11), w.constant(1, 6, 12).row(0),
                                      taps, to, y);
    });
    check_resizing(adjoint_of(c), [&](const auto& w, const auto& from, const auto& to, auto, auto u, auto y) {
      w.kernels.depthwise_convolution_vjp(u, from, w.constant(taps.taps, 6, 11), taps, to, y);
    });
    for (const index_t block_rows : {4, 4224}) {  // outputs 5, inputs 4; a residual in the place of y
      c.x_columns = 4;
      c.u_columns = c.y_columns = 5;
      const auto run = [&](const auto& w, const auto& from, const auto& to, auto x, auto u, auto y,
                           bool back) {
        using B = typename std::decay_t<decltype(w)>::backend;
        const auto packed = w.kernels.pack(w.host_constant(5, taps.taps * 4, 13));
        const index_t size = w.kernels.convolution_vjp_scratch(packed, taps);
        const auto scratch = w.scratch(std::max(size, w.kernels.convolution_scratch(packed)));
        if (back) {
          w.kernels.copy_matrix(x, y);
          w.kernels.convolution_between_vjp(u, to, packed, taps, y, scratch, from, y);
        } else {
          w.kernels.copy_matrix(u, y);
          const dnalm::epilogue_of<B> epilogue{w.constant(1, 5, 14).row(0), dnalm::activation::relu, y};
          w.kernels.convolution_between(x, from, packed, taps, epilogue, scratch, to, y);
        }
      };
      check_resizing(c,
                     [&](const auto& w, const auto& from, const auto& to, auto x, auto u, auto y) {
                       run(w, from, to, x, u, y, false);
                     },
                     {.block_rows = block_rows});
      resizing_case back = adjoint_of(c);
      back.y_columns = 4;
      check_resizing(back,
                     [&](const auto& w, const auto& from, const auto& to, auto x, auto u, auto y) {
                       run(w, from, to, x, u, y, true);
                     },
                     {.block_rows = block_rows});
      c = even_case(c.name, 6, 25.0);
      c.lengths = {9, 20, 7, 31};
      c.rows = [&](index_t length) { return taps.output_rows(length, 1); };
    }
  }
}

namespace {

/// Relative attention of x = [q | k | v] in sequences of one length.
struct attention_shape {
  index_t length, heads, key, value;

  [[nodiscard]] index_t keys() const { return heads * key; }
  [[nodiscard]] index_t columns() const { return heads * (2 * key + value); }
  template <class World>
  [[nodiscard]] auto weights(const World& w) const {
    using B = typename World::backend;
    return dnalm::relative_attention_weights<typename B::scalar, B::space>{
        w.constant(2 * length - 1, keys(), 21), w.constant(1, keys(), 22).row(0),
        w.constant(1, keys(), 23).row(0), heads, static_cast<typename B::scalar>(0.3)};
  }
  template <class Matrix>
  [[nodiscard]] Matrix part(Matrix x, int which) const {
    return x.column_block(which * keys(), which == 2 ? heads * value : keys());
  }
};

}  // namespace

TEST_CASE("cuda: relative attention is that of the reference", "[cuda][layers][relative]") {
  for (const attention_shape& shape :
       {attention_shape{37, 2, 5, 3}, attention_shape{3, 1, 4, 40}, attention_shape{70, 1, 33, 2}}) {
    resizing_case c = even_case("attention over " + std::to_string(shape.length), 0, 0.0);
    c.lengths = {shape.length, shape.length};
    c.x_columns = shape.columns();
    c.u_columns = c.y_columns = shape.heads * shape.value;
    // Scores of 2 K products of numbers below 10 set the exponents: their roundings are those of the weights.
    c.terms = 2.0 * static_cast<double>(2 * shape.key) + 10.0;
    check_resizing(c, [&](const auto& w, const auto& from, const auto&, auto x, auto, auto y) {
      w.kernels.relative_attention(shape.part(x, 0), shape.part(x, 1), shape.part(x, 2), shape.weights(w),
                                   from,
                                   w.scratch(dnalm::relative_attention_scratch(shape.length, shape.key)), y);
    });
    resizing_case back = adjoint_of(c);
    back.y_columns = shape.columns();
    back.terms *= 4.0;  // sums of T differences of products with V terms
    check_resizing(back, [&](const auto& w, const auto& from, const auto&, auto x, auto u, auto y) {
      const index_t size = dnalm::relative_attention_vjp_scratch(shape.length, shape.key, shape.value);
      w.kernels.relative_attention_vjp(shape.part(x, 0), shape.part(x, 1), shape.part(x, 2), shape.weights(w),
                                       from, u, w.scratch(size), shape.part(y, 0), shape.part(y, 1),
                                       shape.part(y, 2));
    });
  }
}

TEST_CASE("cuda: heads too wide for a block are an error that says so", "[cuda][layers][relative]") {
  std::vector<float> x(3 * 600);
  const dnalm::device_matrix<float> rows{x.data(), 1, 600, 600};
  const dnalm::cuda_backend gpu;
  const dnalm::device_relative_weights weights{rows, rows.row(0), rows.row(0), 1, 1.0F};
  try {
    gpu.relative_attention(rows, rows, rows, weights, dnalm_test::make_offsets({1}), {}, rows);
    FAIL("no error");
  } catch (const dnalm::error& e) {
    CHECK(e.number() == 690);
  }
}

// SPDX-License-Identifier: Apache-2.0
// Every float kernel, for every instruction set of this machine, against the double reference; and what makes
// results independent of the batch: a row's bits depend on that row only.
#include <algorithm>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include <dnalm/core/philox.hpp>
#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/reference/reference_backend.hpp>
#include <support/catch.hpp>
#include <support/instruction_sets.hpp>

namespace {

using dnalm::activation;
using dnalm::index_t;
using dnalm::isa;
using dnalm::matrix;
using dnalm::matrix_view;
using dnalm_test::instruction_sets;

/// A block inside larger memory that is filled with NaN: whoever reads or writes beside it is found out.
struct framed {
  matrix<float> memory;
  matrix_view<float> view;

  framed(index_t rows, index_t columns, std::uint64_t seed, float scale = 1.0F)
      : memory(rows + 2, columns + 37) {
    std::fill_n(memory.data(), memory.rows() * memory.columns(), std::numeric_limits<float>::quiet_NaN());
    view = memory.view().row_block(1, rows).column_block(5, columns);
    dnalm::philox random(seed);
    for (index_t r = 0; r < rows; ++r) {
      for (index_t c = 0; c < columns; ++c) view(r, c) = scale * static_cast<float>(random.normal());
    }
  }
  /// Numbers outside the block are still NaN.
  [[nodiscard]] bool frame_is_whole() const {
    for (index_t r = 0; r < memory.rows(); ++r) {
      for (index_t c = 0; c < memory.columns(); ++c) {
        const bool inside = r >= 1 && r < memory.rows() - 1 && c >= 5 && c < 5 + view.columns;
        if (!inside && !std::isnan(memory(r, c))) return false;
      }
    }
    return true;
  }
};

/// Output memory: the block itself holds NaN too.
framed output(index_t rows, index_t columns) {
  return framed(rows, columns, 0, std::numeric_limits<float>::quiet_NaN());
}

matrix<double> as_double(matrix_view<const float> x) {
  matrix<double> result(x.rows, x.columns);
  for (index_t r = 0; r < x.rows; ++r) {
    for (index_t c = 0; c < x.columns; ++c) result(r, c) = static_cast<double>(x(r, c));
  }
  return result;
}

double largest_gap(matrix_view<const double> expected, matrix_view<const float> found) {
  double worst = 0.0;
  for (index_t r = 0; r < found.rows; ++r) {
    for (index_t c = 0; c < found.columns; ++c) {
      const double gap = std::abs(expected(r, c) - static_cast<double>(found(r, c)));
      worst = std::isnan(gap) ? std::numeric_limits<double>::infinity() : std::max(worst, gap);
    }
  }
  return worst;
}

bool same_bits(matrix_view<const float> a, matrix_view<const float> b) {
  for (index_t r = 0; r < a.rows; ++r) {
    if (std::memcmp(a.row_data(r), b.row_data(r), static_cast<std::size_t>(a.columns) * sizeof(float)) != 0)
      return false;
  }
  return true;
}

const std::vector<index_t> awkward_sizes{1, 2, 5, 15, 16, 17, 31, 32, 33, 40, 48, 65};

}  // namespace

TEST_CASE("exp and the activations keep float accuracy over their whole range", "[cpu]") {
  const dnalm::cpu_backend set_of[] = {dnalm::cpu_backend(isa::portable), dnalm::cpu_backend()};
  std::vector<float> x;
  for (float value = -100.0F; value < 100.0F; value += 0.0137F) x.push_back(value);
  for (const float value : {0.0F, -0.0F, 1e-30F, -1e-30F, 1e30F, -1e30F, 1e38F, -1e38F}) x.push_back(value);
  const auto n = static_cast<index_t>(x.size());
  for (const auto& backend : set_of) {
    for (const auto function : {activation::gelu_erf, activation::gelu_tanh, activation::silu}) {
      matrix<float> both(1, 2 * n);
      std::copy(x.begin(), x.end(), both.data());
      std::fill_n(both.data() + n, n, 1.0F);
      matrix<float> y(1, n);
      backend.gated(both.view(), function, y.view());
      double worst = 0.0;
      for (index_t i = 0; i < n; ++i) {
        const double value = static_cast<double>(x[static_cast<std::size_t>(i)]);
        const double expected = dnalm::apply_activation(function, value);
        const double scale = std::max(1.0, std::abs(expected));
        const double gap = std::abs(static_cast<double>(y(0, i)) - expected) / scale;
        REQUIRE(std::isfinite(y(0, i)));
        worst = std::max(worst, gap);
      }
      INFO(dnalm::to_string(function) << " " << dnalm::to_string(backend.instruction_set()));
      CHECK(worst < 3e-7);
    }
  }
}

TEST_CASE("NaN goes through exp, activations and softmax as NaN", "[cpu]") {
  for (const isa set : instruction_sets()) {
    const dnalm::cpu_backend backend(set);
    for (const auto function : {activation::gelu_erf, activation::gelu_tanh, activation::silu}) {
      matrix<float> both(1, 34);
      for (index_t i = 0; i < 34; ++i) both(0, i) = 1.0F;
      both(0, 3) = both(0, 16) = std::numeric_limits<float>::quiet_NaN();
      matrix<float> y(1, 17);
      backend.gated(both.view(), function, y.view());
      for (index_t i = 0; i < 17; ++i) CHECK(std::isnan(y(0, i)) == (i == 3 || i == 16));
    }
    matrix<float> scores(1, 19);
    scores(0, 18) = std::numeric_limits<float>::quiet_NaN();
    backend.softmax_rows(scores.view());
    CHECK(std::isnan(scores(0, 0)));
  }
}

namespace {

/// Scratch full of NaN, with a frame around it.
void run_linear(const dnalm::cpu_backend& cpu, dnalm::matrix_view<const float> x,
                const dnalm::packed_weight& w, const dnalm::linear_epilogue<float>& epilogue,
                dnalm::matrix_view<float> y, bool join = false) {
  const framed scratch = output(1, cpu.linear_scratch(w));
  if (join) {
    cpu.linear_gated(x, w, epilogue, scratch.view.row(0), y);
  } else {
    cpu.linear(x, w, epilogue, scratch.view.row(0), y);
  }
  CHECK(scratch.frame_is_whole());
}

}  // namespace

TEST_CASE("linear agrees with the reference for awkward shapes and every epilogue", "[cpu]") {
  for (const isa set : instruction_sets()) {
    const dnalm::cpu_backend cpu(set);
    const dnalm::reference_backend reference;
    for (const index_t rows : {index_t{1}, index_t{11}, index_t{12}, index_t{13}, index_t{29}}) {
      for (const index_t outputs : awkward_sizes) {
        const index_t inputs = (outputs * 7) % 61 + 1;
        const framed x(rows, inputs, 1);
        const framed w(outputs, inputs, 2);
        const framed b(1, outputs, 3);
        const framed residual(rows, outputs, 4);
        const auto function = outputs % 2 == 0 ? activation::gelu_erf : activation::silu;
        framed y = output(rows, outputs);
        run_linear(cpu, x.view, cpu.pack(w.view), {b.view.row(0), function, residual.view}, y.view);
        matrix<double> expected(rows, outputs);
        const matrix<double> xd = as_double(x.view);
        const matrix<double> bd = as_double(b.view);
        const matrix<double> rd = as_double(residual.view);
        const auto wd = reference.pack(as_double(w.view).view());
        dnalm::reference_linear(xd.view(), wd.view(), {bd.view().row(0), function, rd.view()},
                                expected.view());
        INFO(dnalm::to_string(set) << " " << rows << " " << outputs << " " << inputs);
        CHECK(largest_gap(expected.view(), y.view) < 2e-5);
        CHECK(y.frame_is_whole());
        // In place on the residual, and without any epilogue.
        framed in_place(rows, outputs, 4);
        run_linear(cpu, x.view, cpu.pack(w.view), {b.view.row(0), function, in_place.view}, in_place.view);
        CHECK(same_bits(y.view, in_place.view));
        run_linear(cpu, x.view, cpu.pack(w.view), {}, y.view);
        dnalm::reference_linear(xd.view(), wd.view(), {}, expected.view());
        CHECK(largest_gap(expected.view(), y.view) < 2e-5);
      }
    }
  }
}

TEST_CASE("a row of a product has the same bits whatever rows stand around it", "[cpu]") {
  for (const isa set : instruction_sets()) {
    const dnalm::cpu_backend cpu(set);
    const framed x(300, 70, 5);
    const framed w(77, 70, 6);
    const auto packed = cpu.pack(w.view);
    framed whole = output(300, 77);
    run_linear(cpu, x.view, packed, {.function = activation::gelu_erf}, whole.view);
    for (const index_t count : {index_t{1}, index_t{5}, index_t{12}, index_t{64}}) {
      for (index_t first = 0; first + count <= 300; first += 37) {
        framed part = output(count, 77);
        run_linear(cpu, x.view.row_block(first, count), packed, {.function = activation::gelu_erf},
                   part.view);
        CHECK(same_bits(part.view, whole.view.row_block(first, count)));
      }
    }
  }
}

TEST_CASE("layer_norm, softmax, gated and rotary agree with the reference", "[cpu]") {
  for (const isa set : instruction_sets()) {
    const dnalm::cpu_backend cpu(set);
    const dnalm::reference_backend reference;
    for (const index_t columns : awkward_sizes) {
      INFO(dnalm::to_string(set) << " " << columns);
      const framed x(7, 2 * columns, 7, 3.0F);
      const framed gamma(2, 2 * columns, 8);
      const matrix<double> xd = as_double(x.view);
      const matrix<double> gd = as_double(gamma.view);
      matrix<double> expected(7, 2 * columns);
      framed y = output(7, 2 * columns);
      cpu.layer_norm(x.view, gamma.view.row(0), gamma.view.row(1), 1e-5F, y.view);
      reference.layer_norm(xd.view(), gd.view().row(0), gd.view().row(1), static_cast<double>(1e-5F),
                           expected.view());
      CHECK(largest_gap(expected.view(), y.view) < 5e-6);
      CHECK(y.frame_is_whole());

      framed soft(7, columns, 9, 10.0F);
      matrix<double> soft_expected = as_double(soft.view);
      cpu.softmax_rows(soft.view);
      reference.softmax_rows(soft_expected.view());
      CHECK(largest_gap(soft_expected.view(), soft.view) < 1e-6);
      CHECK(soft.frame_is_whole());

      framed gated = output(7, columns);
      matrix<double> gated_expected(7, columns);
      cpu.gated(x.view, activation::silu, gated.view);
      reference.gated(xd.view(), activation::silu, gated_expected.view());
      CHECK(largest_gap(gated_expected.view(), gated.view) < 2e-5);
      CHECK(gated.frame_is_whole());

      std::vector<float> frequencies;
      for (index_t j = 0; j < columns; ++j) frequencies.push_back(dnalm::rotary_frequency(j, 2 * columns));
      dnalm::ragged_offsets offsets;
      offsets.append(3);
      offsets.append(4);
      framed turned(7, 4 * columns, 10);
      matrix<double> turned_expected = as_double(turned.view);
      cpu.rotary(dnalm::make_rotary_table<float>(frequencies, 4), offsets, 2, turned.view);
      reference.rotary(dnalm::make_rotary_table<double>(frequencies, 4), offsets, 2, turned_expected.view());
      CHECK(largest_gap(turned_expected.view(), turned.view) < 1e-6);
      CHECK(turned.frame_is_whole());
    }
  }
}

TEST_CASE("layer_norm stands a mean far above the deviation", "[cpu]") {
  for (const isa set : instruction_sets()) {
    framed x(1, 512, 11, 1e-2F);
    for (index_t c = 0; c < 512; ++c) x.view(0, c) += 100.0F;
    matrix<float> ones(2, 512);
    std::fill_n(ones.data(), 512, 1.0F);
    const matrix<double> xd = as_double(x.view);
    const matrix<double> od = as_double(ones.view());
    matrix<double> expected(1, 512);
    framed y = output(1, 512);
    dnalm::cpu_backend(set).layer_norm(x.view, ones.view().row(0), ones.view().row(1), 1e-12F, y.view);
    dnalm::reference_backend().layer_norm(xd.view(), od.view().row(0), od.view().row(1), 1e-12,
                                          expected.view());
    CHECK(largest_gap(expected.view(), y.view) < 1e-5);
  }
}

TEST_CASE("attention agrees with the reference for awkward lengths and head widths, with and without ALiBi",
          "[cpu]") {
  for (const isa set : instruction_sets()) {
    const dnalm::cpu_backend cpu(set);
    const dnalm::reference_backend reference;
    for (const index_t head_width :
         {index_t{1}, index_t{8}, index_t{16}, index_t{20}, index_t{33}, index_t{64}}) {
      dnalm::ragged_offsets offsets;
      for (const index_t length : {1, 31, 2, 47, 12, 13}) offsets.append(length);
      const index_t heads = 3;
      const index_t width = heads * head_width;
      const framed packed(offsets.rows(), 3 * width, 12);
      const matrix<double> packed_double = as_double(packed.view);
      const std::vector<float> slopes{0.5F, 0.0625F, 0.17677670F};
      for (const bool alibi : {false, true}) {
        dnalm::attention_options<float> options;
        options.heads = heads;
        options.score_scale = 0.7F;
        if (alibi) options.alibi_slopes = {slopes.data(), 3};
        dnalm::attention_options<double> wide{heads, static_cast<double>(0.7F), options.alibi_slopes};
        framed y = output(offsets.rows(), width);
        dnalm::buffer<float> scratch(cpu.attention_scratch(47, head_width));
        std::fill_n(scratch.data(), scratch.size(), std::numeric_limits<float>::quiet_NaN());
        cpu.attention(packed.view.column_block(0, width), packed.view.column_block(width, width),
                      packed.view.column_block(2 * width, width), offsets, options, scratch.view(), y.view);
        matrix<double> expected(offsets.rows(), width);
        dnalm::buffer<double> wide_scratch(47);
        const auto pd = packed_double.view();
        reference.attention(pd.column_block(0, width), pd.column_block(width, width),
                            pd.column_block(2 * width, width), offsets, wide, wide_scratch.view(),
                            expected.view());
        INFO(dnalm::to_string(set) << " head width " << head_width << " alibi " << alibi);
        CHECK(largest_gap(expected.view(), y.view) < 2e-5);
        CHECK(y.frame_is_whole());
      }
    }
  }
}

TEST_CASE("AVX2 and AVX-512 give the same bits", "[cpu]") {
  if (!dnalm::supports(isa::avx512)) {
    WARN("skipped: this CPU has no AVX-512");
    return;
  }
  const dnalm::cpu_backend a(isa::avx2);
  const dnalm::cpu_backend b(isa::avx512);
  dnalm::ragged_offsets offsets;
  for (const index_t length : {1, 31, 70}) offsets.append(length);
  const framed x(102, 3 * 72, 13);
  const framed w(65, 72, 14);
  const framed gamma(2, 3 * 72, 15);
  const auto q = x.view.column_block(0, 72);
  const auto k = x.view.column_block(72, 72);
  const auto v = x.view.column_block(144, 72);
  const auto run = [&](const dnalm::cpu_backend& cpu) {
    std::vector<framed> results;
    for (const index_t columns : {65, 216, 72, 108}) results.push_back(output(102, columns));
    run_linear(cpu, q, cpu.pack(w.view), {.function = activation::gelu_erf}, results[0].view);
    cpu.layer_norm(x.view, gamma.view.row(0), gamma.view.row(1), 1e-12F, results[1].view);
    dnalm::buffer<float> scratch(cpu.attention_scratch(70, 24));
    dnalm::attention_options<float> options;
    options.heads = 3;
    cpu.attention(q, k, v, offsets, options, scratch.view(), results[2].view);
    cpu.gated(x.view, activation::silu, results[3].view);
    return results;
  };
  const auto first = run(a);
  const auto second = run(b);
  for (std::size_t i = 0; i < first.size(); ++i) CHECK(same_bits(first[i].view, second[i].view));
}

TEST_CASE("embedding rows are gathered, scaled and added", "[cpu]") {
  const dnalm::cpu_backend cpu;
  const framed table(5, 19, 16);
  const std::vector<std::int32_t> ids{4, 0, 4};
  const std::vector<float> scales{0.5F, 0.0F, 2.0F};
  framed y = output(3, 19);
  cpu.embed_rows(ids, table.view, scales, y.view);
  cpu.add_rows(std::vector<std::int32_t>{1, 1, 3}, table.view, y.view);
  cpu.add(y.view, y.view);
  cpu.scale(0.25F, y.view);
  for (index_t c = 0; c < 19; ++c) {
    CHECK(y.view(0, c) == Approx(0.5F * (0.5F * table.view(4, c) + table.view(1, c))));
    CHECK(y.view(1, c) == Approx(0.5F * table.view(1, c)));
    CHECK(y.view(2, c) == Approx(0.5F * (2.0F * table.view(4, c) + table.view(3, c))));
  }
  CHECK(y.frame_is_whole());
}

TEST_CASE("the instruction set can be forced by the environment, and a wrong one is refused", "[cpu]") {
  const char* before = std::getenv("DNALM_FORCE_ISA");
  const std::string saved = before == nullptr ? "" : before;
  ::setenv("DNALM_FORCE_ISA", "portable", 1);
  CHECK(dnalm::choose_isa() == isa::portable);
  ::setenv("DNALM_FORCE_ISA", "sse9", 1);
  CHECK(dnalm_test::error_id_of([] { static_cast<void>(dnalm::choose_isa()); }) == "dnalm.usage.350");
  ::setenv("DNALM_FORCE_ISA", "", 1);
  CHECK(dnalm::supports(dnalm::choose_isa()));
  if (before == nullptr) {
    ::unsetenv("DNALM_FORCE_ISA");
  } else {
    ::setenv("DNALM_FORCE_ISA", saved.c_str(), 1);
  }
}

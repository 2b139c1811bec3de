// SPDX-License-Identifier: Apache-2.0
#include <dnalm/core/philox.hpp>
#include <dnalm/cpu/cpu_backend.hpp>

#include <cstring>
#include <vector>

#include <support/catch.hpp>

using dnalm::index_t;

namespace {

constexpr float untouched = -7.5F;

/// Random numbers, in columns 3 ... of a wider matrix.
class framed {
 public:
  framed(index_t rows, index_t columns, std::uint64_t seed) : memory_(rows, columns + 5), columns_(columns) {
    dnalm::philox random(seed);
    for (index_t i = 0; i < rows * (columns + 5); ++i)
      memory_.data()[i] = static_cast<float>(random.normal());
  }
  [[nodiscard]] dnalm::matrix_view<float> view() { return memory_.view().column_block(3, columns_); }
  [[nodiscard]] bool same(const framed& other) const {
    const auto bytes = static_cast<std::size_t>(memory_.rows() * memory_.columns()) * sizeof(float);
    return bytes == 0 || std::memcmp(memory_.data(), other.memory_.data(), bytes) == 0;
  }

 private:
  dnalm::matrix<float> memory_;
  index_t columns_;
};

/// Scratch of exactly the size that a kernel asks for, and a guard behind it.
class guarded_scratch {
 public:
  explicit guarded_scratch(index_t size) : memory_(size + 16), size_(size) {
    std::fill_n(memory_.data(), size + 16, untouched);
  }
  [[nodiscard]] dnalm::vector_view<float> view() { return memory_.view().part(0, size_); }
  [[nodiscard]] bool intact() const {
    return std::all_of(memory_.data() + size_, memory_.data() + size_ + 16,
                       [](float x) { return x == untouched; });
  }

 private:
  dnalm::buffer<float> memory_;
  index_t size_;
};

/// Runs `kernel(backend, x, y, scratch)` alone and on teams; `y` begins with the same numbers each time.
template <class ScratchSize, class Kernel>
void check_same_bits(index_t rows, index_t in, index_t out, ScratchSize&& size, Kernel&& kernel) {
  const dnalm::cpu_backend alone;
  framed x(rows, in, 1);
  framed expected(rows, out, 2);
  guarded_scratch scratch(size(alone));
  kernel(alone, x.view(), expected.view(), scratch.view());
  for (const int threads : {1, 2, 3, 5}) {
    dnalm::thread_team team(threads);
    const dnalm::cpu_backend together = alone.on_team(&team);
    REQUIRE(together.members() == threads);
    framed y(rows, out, 2);
    guarded_scratch parts(size(together));
    kernel(together, x.view(), y.view(), parts.view());
    INFO("rows " << rows << ", threads " << threads);
    REQUIRE(y.same(expected));
    REQUIRE(parts.intact());
  }
}

const auto no_scratch = [](const dnalm::cpu_backend&) { return index_t{0}; };
constexpr index_t all_rows[] = {0, 1, 11, 12, 13, 25, 97, 208, 461, 1200};

dnalm::packed_weight random_weight(index_t outputs, index_t inputs, dnalm::weight_format format, bool gated) {
  framed w(outputs, inputs, 3);
  return dnalm::pack_weight(w.view(), format, gated);
}

}  // namespace

TEST_CASE("products on a team have the bits of one thread", "[cpu][team]") {
  std::vector<float> bias(74, 0.25F);
  const dnalm::vector_view<const float> bias_view{bias.data(), 74};
  for (const auto format :
       {dnalm::weight_format::f32, dnalm::weight_format::bf16, dnalm::weight_format::int8}) {
    const auto w = random_weight(74, 43, format, false);
    const auto gated = random_weight(74, 43, format, true);
    for (const index_t rows : all_rows) {
      check_same_bits(
          rows, 43, 74, [&](const auto& b) { return b.linear_scratch(w); },
          [&](const auto& b, auto x, auto y, auto scratch) {
            b.linear(x, w, {bias_view, dnalm::activation::gelu_erf, y}, scratch, y);
          });
      check_same_bits(
          rows, 43, 37, [&](const auto& b) { return b.linear_scratch(gated); },
          [&](const auto& b, auto x, auto y, auto scratch) {
            b.linear_gated(x, gated, {bias_view, dnalm::activation::silu, {}}, scratch, y);
          });
      check_same_bits(
          rows, 74, 43, [&](const auto& b) { return b.linear_vjp_scratch(w); },
          [&](const auto& b, auto x, auto y, auto scratch) { b.linear_vjp(x, w, y, scratch, y); });
      check_same_bits(
          rows, 74, 43, [&](const auto& b) { return b.linear_vjp_scratch(w); },
          [&](const auto& b, auto x, auto y, auto scratch) { b.linear_vjp(x, w, {}, scratch, y); });
    }
  }
}

TEST_CASE("kernels by rows on a team have the bits of one thread", "[cpu][team]") {
  framed parameters(2, 600, 5);
  const dnalm::vector_view<const float> gamma{parameters.view().row_data(0), 600};
  const dnalm::vector_view<const float> beta{parameters.view().row_data(1), 600};
  framed table(7, 600, 4);
  for (const index_t rows : all_rows) {
    std::vector<std::int32_t> ids;
    std::vector<float> scale;
    for (index_t r = 0; r < rows; ++r) {
      ids.push_back(static_cast<std::int32_t>(r * 5 % 7));
      scale.push_back(static_cast<float>(r) * 0.5F);
    }
    const auto check = [&](auto&& kernel) {
      check_same_bits(rows, 600, 600, no_scratch,
                      [&](const auto& b, auto x, auto y, auto) { kernel(b, x, y); });
    };
    check([&](const auto& b, auto, auto y) { b.embed_rows(ids, table.view(), {}, y); });
    check([&](const auto& b, auto, auto y) { b.embed_rows(ids, table.view(), scale, y); });
    check([&](const auto& b, auto x, auto y) { b.embed_rows_vjp(scale, x, y); });
    check([&](const auto& b, auto, auto y) { b.add_rows(ids, table.view(), y); });
    check([&](const auto& b, auto x, auto y) { b.layer_norm(x, gamma, beta, 1e-5F, y); });
    check([&](const auto& b, auto x, auto y) { b.layer_norm_vjp(x, gamma, 1e-5F, y, y); });
    check([&](const auto& b, auto, auto y) { b.softmax_rows(y); });
    check([&](const auto& b, auto x, auto y) { b.softmax_rows_vjp(x, y, y); });
    check(
        [&](const auto& b, auto x, auto y) { b.gated(x, dnalm::activation::silu, y.column_block(0, 300)); });
    check([&](const auto& b, auto x, auto y) {
      b.gated_vjp(y, dnalm::activation::gelu_tanh, x.column_block(0, 300), y);
    });
    check([&](const auto& b, auto x, auto y) { b.activation_vjp(x, dnalm::activation::silu, y, y); });
    check([&](const auto& b, auto x, auto y) { b.add(x, y); });
    check([&](const auto& b, auto, auto y) { b.scale(0.75F, y); });
  }
}

TEST_CASE("attention and rotation on a team have the bits of one thread", "[cpu][team]") {
  constexpr index_t heads = 7;
  constexpr index_t width = 24;
  constexpr index_t columns = heads * width;
  dnalm::ragged_offsets offsets;
  for (const index_t length : {17, 1, 61}) offsets.append(length);
  std::vector<float> slopes;
  for (index_t h = 0; h < heads; ++h) slopes.push_back(dnalm::alibi_slope(h, heads));
  std::vector<float> frequencies;
  for (index_t j = 0; j < 8; ++j) frequencies.push_back(dnalm::rotary_frequency(j, 16, 10000.0F));
  const auto table = dnalm::make_rotary_table<float>(frequencies, 61);
  for (const bool sloped : {false, true}) {
    dnalm::attention_options<float> options{.heads = heads, .score_scale = 0.3F, .window = sloped ? 9 : 0};
    if (sloped) options.alibi_slopes = {slopes.data(), heads};
    check_same_bits(
        79, 3 * columns, columns, [](const auto& b) { return b.attention_scratch(61, width); },
        [&](const auto& b, auto x, auto y, auto scratch) {
          b.attention(x.column_block(0, columns), x.column_block(columns, columns),
                      x.column_block(2 * columns, columns), offsets, options, scratch, y);
        });
    check_same_bits(
        79, 4 * columns, 3 * columns, [](const auto& b) { return b.attention_vjp_scratch(61, width); },
        [&](const auto& b, auto x, auto y, auto scratch) {
          const auto of = [&](auto all, index_t part) { return all.column_block(part * columns, columns); };
          b.attention_vjp(of(x, 0), of(x, 1), of(x, 2), offsets, options, of(x, 3), scratch, of(y, 0),
                          of(y, 1), of(y, 2));
        });
  }
  check_same_bits(79, 1, columns, no_scratch,
                  [&](const auto& b, auto, auto y, auto) { b.rotary(table, offsets, heads, y); });
  check_same_bits(79, 1, columns, no_scratch,
                  [&](const auto& b, auto, auto y, auto) { b.rotary_vjp(table, offsets, heads, y); });
}

TEST_CASE("parts of rows are whole tiles, and of one number for each member", "[cpu][team]") {
  for (const index_t rows : {1, 12, 100, 1001, 5000}) {
    for (const index_t members : {1, 2, 3, 16}) {
      const index_t part = dnalm::detail::rows_of_part(rows, members, 96);
      REQUIRE(part % 12 == 0);
      REQUIRE(part <= 96);
      REQUIRE(((rows + part - 1) / part <= members || part >= 48));
    }
  }
}

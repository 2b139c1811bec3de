// SPDX-License-Identifier: Apache-2.0
// Passes on the GPU do what was asked for and no more: poolings in the kernel that norms, logits of some
// tokens.
#include <algorithm>
#include <cstdint>
#include <filesystem>
#include <vector>

#include <dnalm/models.hpp>
#include <support/catch.hpp>
#include <support/cuda_emulation/backend.hpp>
#include <unit/cuda/on_gpu.hpp>

namespace {

using dnalm::index_t;
using dnalm::pooling;
using dnalm_test::error_id_of;

dnalm::model bundled_on_gpu(const dnalm::cuda_options& where) {
  return dnalm::load_model(
      std::filesystem::path(DNALM_SOURCE_DIR) / "examples/data/models/dnalm-yeast-human-nt2",
      dnalm_test::on_gpu(where));
}
dnalm::matrix<float> copy_of(dnalm::matrix_view<const float> x) {
  dnalm::matrix<float> y(x.rows, x.columns);
  for (index_t r = 0; r < x.rows; ++r) std::copy_n(x.row_data(r), x.columns, y.data() + r * x.columns);
  return y;
}

}  // namespace

TEST_CASE("a hidden state that the next block norms is pooled by that kernel: one start more per layer",
          "[cuda]") {
  const std::vector<std::int32_t> ids{3, 20, 21, 22, 3, 40, 41};
  dnalm::ragged_offsets offsets;
  offsets.append(4);
  offsets.append(3);
  const std::vector<unsigned char> special{1, 0, 0, 0, 1, 0, 0};
  const std::vector<pooling> kinds{pooling::mean, pooling::mean_all};
  for (const auto precision : {dnalm::cuda_precision::f32, dnalm::cuda_precision::bf16}) {
    const dnalm::model gpu = bundled_on_gpu({.precision = precision, .graphs = false});
    dnalm::forward_workspace space;
    const auto starts = [&](const std::vector<index_t>& layers) {
      const index_t before = dnalm_test::gpu::stream_settings().starts;
      REQUIRE(gpu.forward_pooled(
          {ids, offsets}, {layers, kinds, special},
          [](std::size_t, std::size_t, dnalm::matrix_view<const float>) {}, space));
      return dnalm_test::gpu::stream_settings().starts - before;
    };
    static_cast<void>(starts({0, 1, 2, 3, 4}));  // memory and arrays are there from now on
    const index_t none = starts({});
    CHECK(starts({0}) == none + 1);
    CHECK(starts({1, 2, 3}) == none + 3);
    CHECK(starts({4}) == none + 3);  // nothing norms it: two poolings and the note
  }
}

TEST_CASE("logits of some tokens are those rows of all logits, and the head reads these rows alone",
          "[cuda]") {
  dnalm::ragged_offsets offsets;
  offsets.append(40);
  offsets.append(24);
  std::vector<std::int32_t> ids;
  for (int i = 0; i < 64; ++i) ids.push_back(20 + 7 * i % 400);
  const dnalm::token_batch batch{ids, offsets};
  const std::vector<index_t> rows{63, 3, 40, 3};
  for (const auto precision : {dnalm::cuda_precision::f32, dnalm::cuda_precision::bf16}) {
    const dnalm::model gpu = bundled_on_gpu({.precision = precision});
    const auto used = [] { return dnalm_test::gpu::device_memory().used(); };
    dnalm::forward_workspace all_space;
    dnalm::matrix<float> all;
    const auto keep_all = [&](dnalm::matrix_view<const float> x) { all = copy_of(x); };
    gpu.logits(batch, keep_all, all_space);  // what passes share is there from now on
    all_space.release();
    const index_t before = used();
    gpu.logits(batch, keep_all, all_space);
    const index_t of_all = used() - before;
    dnalm::forward_workspace some_space;
    dnalm::matrix<float> some;
    const auto keep_some = [&](dnalm::matrix_view<const float> x) { some = copy_of(x); };
    gpu.logits(batch, rows, keep_some, some_space);
    const index_t of_some = used() - before - of_all;
    REQUIRE(some.rows() == 4);
    for (index_t i = 0; i < 4; ++i) {
      const float* expected = all.view().row_data(rows[static_cast<std::size_t>(i)]);
      CHECK(std::equal(expected, expected + all.columns(), some.view().row_data(i)));
    }
    CHECK(of_some + 60 * all.columns() * 4 <= of_all + 4096);  // 60 rows of logits less
    std::vector<index_t> many;                                 // more than the batch has
    for (index_t i = 0; i < 150; ++i) many.push_back(i * 7 % 64);
    gpu.logits(batch, many, keep_some, some_space);
    REQUIRE(some.rows() == 150);
    for (index_t i = 0; i < 150; ++i) {
      const float* expected = all.view().row_data(many[static_cast<std::size_t>(i)]);
      CHECK(std::equal(expected, expected + all.columns(), some.view().row_data(i)));
    }
    const std::vector<index_t> beyond{64};
    CHECK(error_id_of([&] {
            gpu.logits(
                batch, beyond, [](dnalm::matrix_view<const float>) {}, some_space);
          }) == "dnalm.input.428");
    gpu.logits(
        batch, {}, [](dnalm::matrix_view<const float>) { FAIL(); }, some_space);
  }
}

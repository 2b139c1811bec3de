// SPDX-License-Identifier: Apache-2.0
// The adjoint of attention where a sequence is longer than a chunk of its queries, and where the last chunk
// is one query.
#include <unit/backend/kernel_adjoint_cases.hpp>

#include <dnalm/cpu/cpu_backend.hpp>
#include <dnalm/cpu/detail/attention_vjp_memory.hpp>

namespace {

using dnalm::index_t;
using dnalm::isa;
using dnalm::weight_format;
using dnalm_test::attention_case;
using dnalm_test::attention_shape;
using dnalm_test::numbers;

/// Queries of a chunk.
index_t chunk_of(index_t length) {
  std::vector<float> scratch(static_cast<std::size_t>(
      dnalm::cpu_attention_vjp_scratch(isa::portable, weight_format::f32, length, 1)));
  return dnalm::detail::divide_attention_vjp_scratch(scratch.data(), length, 1, false).chunk;
}

std::vector<attention_shape> long_shapes() {
  std::vector<attention_shape> shapes;
  for (const index_t window : {0, 3, 130, 235}) {
    shapes.push_back({{240}, 1, 5, 0.4F, {0.25F}, window});
    shapes.push_back({{241, 1}, 1, 17, 0.25F, {}, window});
    shapes.push_back({{5, 300}, 2, 3, 0.5F, {}, window});
  }
  shapes.push_back({{5500}, 1, 3, 0.5F, {}, 9});
  return shapes;
}

}  // namespace

TEST_CASE("the lengths below are of one chunk, of one and a query more, of several, of single tiles",
          "[cpu][adjoint]") {
  CHECK(chunk_of(1) >= 1);
  CHECK(chunk_of(240) == 240);
  CHECK(chunk_of(241) == 240);
  CHECK(chunk_of(300) == 192);
  CHECK(chunk_of(5500) == 12);
}

TEST_CASE("only pairs of bfloat16 take tiles of queries beside the chunk", "[cpu][adjoint]") {
  for (const index_t length : {1, 240, 5500, 20000}) {
    const auto size = [&](isa set, weight_format format) {
      return dnalm::cpu_attention_vjp_scratch(set, format, length, 64);
    };
    const index_t floats = size(isa::portable, weight_format::f32);
    const index_t tiles = 2 * 12 * dnalm::detail::attention_vjp_stride(length);
    for (const isa set : {isa::portable, isa::avx2, isa::avx512}) {
      for (const weight_format format : {weight_format::f32, weight_format::bf16, weight_format::int8}) {
        CHECK(size(set, format) == floats);
      }
    }
    CHECK(size(isa::avx512_bf16, weight_format::f32) == floats);
    CHECK(size(isa::avx512_bf16, weight_format::bf16) == floats + tiles);
    CHECK(size(isa::avx512_bf16, weight_format::int8) == floats + tiles);
    std::vector<float> scratch(static_cast<std::size_t>(floats + tiles));
    for (const bool pairs : {false, true}) {
      const auto parts = dnalm::detail::divide_attention_vjp_scratch(scratch.data(), length, 64, pairs);
      const index_t end = parts.dv - scratch.data() + dnalm::detail::attention_vjp_sums_size(length, 64);
      CHECK(end == (pairs ? floats + tiles : floats));
    }
  }
}

TEST_CASE("the adjoint of attention goes on from chunk to chunk", "[cpu][adjoint]") {
  std::uint64_t seed = 900;
  for (const isa set : {isa::portable, isa::avx2, isa::avx512}) {
    if (!dnalm::supports(set)) continue;
    for (const attention_shape& shape : long_shapes()) {
      INFO(dnalm::to_string(set) << " length " << shape.lengths.back() << " window " << shape.window);
      dnalm_test::check_case(attention_case(dnalm::cpu_backend(set), shape), ++seed);
    }
  }
}

TEST_CASE("the adjoint of long attention has the same bits with AVX2 and AVX-512, alone and in a batch",
          "[cpu][adjoint]") {
  if (!dnalm::supports(isa::avx512)) {
    WARN("skipped: this CPU has no AVX-512");
    return;
  }
  const dnalm::cpu_backend a(isa::avx2);
  const dnalm::cpu_backend b(isa::avx512);
  for (const index_t window : {0, 9, 200}) {
    INFO("window " << window);
    attention_shape shape{{700, 3, 241}, 2, 20, 0.3F, {0.5F, 0.25F}, window};
    const auto batch = attention_case(a, shape);
    const numbers u = dnalm_test::normal_numbers(944 * 40, 7);
    const numbers g = batch.problem.vjp(batch.problem.x, u);
    CHECK(dnalm_test::same_numbers(g, attention_case(b, shape).problem.vjp(batch.problem.x, u)));
    shape.lengths = {241};
    const numbers alone = attention_case(b, shape).problem.vjp(
        {batch.problem.x.begin() + 703 * 120, batch.problem.x.end()}, {u.begin() + 703 * 40, u.end()});
    CHECK(dnalm_test::same_numbers(alone, {g.begin() + 703 * 120, g.end()}));
  }
}

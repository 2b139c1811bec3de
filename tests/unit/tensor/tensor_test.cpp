// SPDX-License-Identifier: Apache-2.0
#include <dnalm/tensor/array.hpp>
#include <dnalm/tensor/buffer.hpp>
#include <dnalm/tensor/dtype.hpp>
#include <dnalm/tensor/ragged.hpp>

#include <algorithm>
#include <cmath>
#include <vector>

#include <support/catch.hpp>

using dnalm::dtype;

TEST_CASE("buffers are aligned, zeroed, and refuse impossible sizes", "[tensor]") {
  for (const dnalm::index_t size : {0, 1, 15, 16, 17, 1000}) {
    dnalm::buffer<float> memory(size);
    REQUIRE(memory.size() == size);
    REQUIRE(reinterpret_cast<std::uintptr_t>(memory.data()) % 64 == 0);
    for (dnalm::index_t i = 0; i < size; ++i) REQUIRE(memory[i] == 0.0F);
  }
  const auto huge = dnalm::index_t{1} << 62;
  REQUIRE(dnalm_test::error_id_of([&] { dnalm::buffer<float> b(huge); }) == "dnalm.shape.101");
  REQUIRE(dnalm_test::error_id_of([&] { dnalm::buffer<float> b(-1); }) == "dnalm.shape.101");
}

TEST_CASE("large buffers are zeroed too, and can be had without", "[tensor]") {
  const dnalm::index_t size = (dnalm::index_t{5} << 20) + 3;
  for (int repeat = 0; repeat < 3; ++repeat) {
    dnalm::buffer<unsigned char> memory(size);
    REQUIRE(reinterpret_cast<std::uintptr_t>(memory.data()) % 64 == 0);
    REQUIRE(std::all_of(memory.data(), memory.data() + size, [](unsigned char x) { return x == 0; }));
    dnalm::buffer<unsigned char> raw(size, dnalm::uninitialized);
    REQUIRE(raw.size() == size);
    std::fill_n(raw.data(), size, static_cast<unsigned char>(7));  // what the next round may be given again
    std::fill_n(memory.data(), size, static_cast<unsigned char>(7));
    REQUIRE(raw[size - 1] == 7);
  }
}

TEST_CASE("matrix views select rows and columns", "[tensor]") {
  dnalm::matrix<int> owned(3, 4);
  for (int i = 0; i < 12; ++i) owned.data()[i] = i;
  const auto middle = owned.view().row_block(1, 2).column_block(1, 2);
  REQUIRE(middle(0, 0) == 5);
  REQUIRE(middle(1, 1) == 10);
  REQUIRE(middle.row(1)[0] == 9);
  const dnalm::matrix_view<const int> fixed = middle;
  REQUIRE(fixed(1, 0) == 9);
}

TEST_CASE("half floats convert exactly", "[tensor]") {
  // All 65,536 patterns against the arithmetic definition.
  for (std::uint32_t bits = 0; bits < 0x10000U; ++bits) {
    const int exponent = static_cast<int>((bits >> 10) & 31U);
    const double mantissa = bits & 1023U;
    const double sign = (bits & 0x8000U) != 0 ? -1.0 : 1.0;
    const float got = dnalm::float_from_f16(static_cast<std::uint16_t>(bits));
    if (exponent == 31) {
      REQUIRE((mantissa == 0 ? std::isinf(got) : std::isnan(got)));
    } else {
      const double expected =
          exponent == 0 ? std::ldexp(mantissa, -24) : std::ldexp(1024 + mantissa, exponent - 25);
      REQUIRE(static_cast<double>(got) == sign * expected);
      REQUIRE(std::signbit(got) == (sign < 0));
    }
  }
}

TEST_CASE("floats are rounded to the nearest half, ties to even", "[tensor]") {
  const auto infinity = std::numeric_limits<float>::infinity();
  for (std::uint32_t bits = 0; bits < 0x7C00U; ++bits) {
    const auto here = static_cast<std::uint16_t>(bits);
    const auto next = static_cast<std::uint16_t>(bits + 1);
    const float low = dnalm::float_from_f16(here);
    // The place of the infinity is that of 65536, one step beyond the largest.
    const float high = next == 0x7C00U ? 65536.0F : dnalm::float_from_f16(next);
    const float middle = low + (high - low) / 2;  // exact
    for (const float sign : {1.0F, -1.0F}) {
      const auto with_sign = [&](std::uint16_t half) { return sign > 0 ? half : half | 0x8000U; };
      REQUIRE(dnalm::f16_from_float(sign * low) == with_sign(here));
      REQUIRE(dnalm::f16_from_float(sign * middle) == with_sign(bits % 2 == 0 ? here : next));
      REQUIRE(dnalm::f16_from_float(sign * std::nextafter(middle, 0.0F)) == with_sign(here));
      REQUIRE(dnalm::f16_from_float(sign * std::nextafter(middle, infinity)) == with_sign(next));
    }
  }
  CHECK(dnalm::f16_from_float(infinity) == 0x7C00U);
  CHECK(dnalm::f16_from_float(-3e38F) == 0xFC00U);
  CHECK(dnalm::f16_from_float(1e-45F) == 0);
  CHECK(std::isnan(dnalm::float_from_f16(dnalm::f16_from_float(std::nanf("")))));
}

TEST_CASE("elements of every type are read at any alignment", "[tensor]") {
  std::vector<unsigned char> bytes(64);
  const auto put = [&](auto value) { std::memcpy(bytes.data() + 3, &value, sizeof(value)); };
  const auto get = [&](dtype type) { return dnalm::read_element<double>(type, bytes.data() + 3); };
  put(1.25);
  REQUIRE(get(dtype::f64) == 1.25);
  put(-2.5F);
  REQUIRE(get(dtype::f32) == -2.5);
  put(std::uint16_t{0xC000});
  REQUIRE(get(dtype::f16) == -2.0);
  REQUIRE(get(dtype::bf16) == -2.0);
  put(std::int64_t{-7});
  REQUIRE(get(dtype::i64) == -7);
  put(std::uint64_t{1} << 63);
  REQUIRE(get(dtype::u64) == 0x1.0p63);
  put(std::int8_t{-1});
  REQUIRE(get(dtype::i8) == -1);
  REQUIRE(get(dtype::u8) == 255);
  REQUIRE(get(dtype::boolean) == 1);
  REQUIRE(dnalm_test::error_id_of([&] { (void)get(dtype::f8_e4m3); }) == "dnalm.unsupported.120");
}

TEST_CASE("ragged offsets count rows", "[tensor]") {
  dnalm::ragged_offsets batch;
  batch.append(3);
  batch.append(0);
  batch.append(2);
  REQUIRE(batch.sequences() == 3);
  REQUIRE(batch.rows() == 5);
  REQUIRE(batch.length(1) == 0);
  REQUIRE(batch.begin(2) == 3);
}

TEST_CASE("arrays are row-major and viewed without a copy", "[tensor]") {
  dnalm::nd_array<float, 2> array({2, 3});
  array(1, 2) = 5;
  const auto view = dnalm::as_matrix(array);
  REQUIRE(view(1, 2) == 5.0F);
  REQUIRE(&view(1, 2) == array.data() + 5);
}

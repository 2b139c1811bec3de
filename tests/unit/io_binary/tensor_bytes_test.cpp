// SPDX-License-Identifier: Apache-2.0
#include <dnalm/io/safetensors.hpp>
#include <dnalm/io/safetensors_writer.hpp>
#include <dnalm/io/tensor_bytes.hpp>
#include <dnalm/io/torch_checkpoint.hpp>

#include <bit>
#include <cmath>
#include <limits>

#include <dnalm/io/detail/narrow_float.hpp>
#include <unit/io_binary/binary_files.hpp>

using namespace dnalm_test;
using dnalm::dtype;
using dnalm::index_t;
using dnalm::io::row_major_bytes;
using dnalm::io::stored_tensor;
using dnalm::io::tensor_info;

namespace {

/// The nearest of all 65,536 numbers of a format to x, ties to the even bit pattern: what rounding means.
template <class ToFloat>
std::uint16_t nearest(double x, ToFloat to_float, std::uint16_t infinity) {
  const double magnitude = std::abs(x);
  std::uint16_t low = 0;
  std::uint16_t high = infinity;
  while (high - low > 1) {
    const auto middle = static_cast<std::uint16_t>((low + high) / 2);
    (static_cast<double>(to_float(middle)) <= magnitude ? low : high) = middle;
  }
  const double below = to_float(low);
  // Beyond the largest number the next place would be one step further.
  const double above = high == infinity
                           ? 2 * below - static_cast<double>(to_float(static_cast<std::uint16_t>(low - 1)))
                           : static_cast<double>(to_float(high));
  const bool up =
      magnitude - below > above - magnitude || (magnitude - below == above - magnitude && low % 2 != 0);
  return static_cast<std::uint16_t>((up ? high : low) | (std::signbit(x) ? 0x8000U : 0U));
}

stored_tensor view_of(const std::vector<float>& values, std::vector<index_t> shape,
                      std::vector<index_t> strides) {
  return {.info = {"x", dtype::f32, std::move(shape)},
          .strides = std::move(strides),
          .bytes = std::as_bytes(std::span<const float>(values))};
}

template <class Number>
std::vector<Number> numbers_of(const std::vector<std::byte>& bytes) {
  std::vector<Number> numbers(bytes.size() / sizeof(Number));
  if (!bytes.empty()) std::memcpy(numbers.data(), bytes.data(), bytes.size());
  return numbers;
}

}  // namespace

TEST_CASE("tensor bytes: rounding to 16 bits gives the nearest number, ties to even", "[io_binary]") {
  using dnalm::io::detail::narrow_float;
  const auto half = [](std::uint16_t bits) { return dnalm::float_from_f16(bits); };
  const auto brain = [](std::uint16_t bits) { return dnalm::float_from_bf16(bits); };
  for (std::uint32_t bits = 0; bits < 0x10000; ++bits) {  // numbers of the format stay
    const auto pattern = static_cast<std::uint16_t>(bits);
    if (!std::isnan(half(pattern))) REQUIRE(narrow_float<10>(half(pattern)) == pattern);
    if (!std::isnan(brain(pattern))) REQUIRE(narrow_float<7>(brain(pattern)) == pattern);
  }
  dnalm::philox random(3, dnalm::hash_name("narrow"));
  for (int i = 0; i < 200'000; ++i) {
    const double scale = std::ldexp(1.0, static_cast<int>(random.below(60)) - 40);
    double x = (random.uniform() - 0.5) * scale;
    if (i % 3 == 0)
      x = std::nextafter(static_cast<double>(half(static_cast<std::uint16_t>(random.below(0x7bff)))), 1e9);
    if (i % 7 == 0) {  // exactly between two halves
      const auto low = static_cast<std::uint16_t>(random.below(0x7bfe));
      x = (static_cast<double>(half(low)) + static_cast<double>(half(static_cast<std::uint16_t>(low + 1)))) /
          2;
    }
    INFO(x);
    REQUIRE(narrow_float<10>(x) == nearest(x, half, 0x7C00));
    REQUIRE(narrow_float<7>(x) == nearest(x, brain, 0x7F80));
  }
  REQUIRE(narrow_float<10>(65519.99) == 0x7BFF);
  REQUIRE(narrow_float<10>(65520.0) == 0x7C00);
  REQUIRE(narrow_float<10>(-1e300) == 0xFC00);
  REQUIRE(narrow_float<10>(5e-324) == 0);
  REQUIRE(narrow_float<7>(1e-300) == 0);
  REQUIRE(std::isnan(half(narrow_float<10>(std::nan("")))));
  REQUIRE(std::isnan(brain(narrow_float<7>(std::nan("")))));
  REQUIRE(narrow_float<7>(-INFINITY) == 0xFF80);
}

TEST_CASE("tensor bytes: any strides become row-major", "[io_binary]") {
  std::vector<float> values(200 * 33);
  for (std::size_t i = 0; i < values.size(); ++i) values[i] = static_cast<float>(i);
  const auto columns = numbers_of<float>(row_major_bytes(view_of(values, {33, 200}, {1, 33})));
  for (std::size_t r = 0; r < 33; ++r) {
    for (std::size_t c = 0; c < 200; ++c) REQUIRE(columns[r * 200 + c] == static_cast<float>(c * 33 + r));
  }
  REQUIRE(numbers_of<float>(row_major_bytes(view_of(values, {2, 2}, {0, 1}))) ==
          std::vector<float>{0, 1, 0, 1});
  REQUIRE(row_major_bytes(view_of(values, {0, 5}, {1, 7})).empty());
  REQUIRE(numbers_of<float>(row_major_bytes(view_of(values, {2, 3, 2}, {1, 4, 2}))) ==
          std::vector<float>{0, 2, 4, 6, 8, 10, 1, 3, 5, 7, 9, 11});
}

TEST_CASE("tensor bytes: floats are converted, integers kept, overflow named", "[io_binary]") {
  const std::vector<float> values{1.0F, -2.5F, 1.0F / 3.0F, INFINITY};
  const auto tensor = view_of(values, {4}, {1});
  REQUIRE(numbers_of<std::uint16_t>(row_major_bytes(tensor, dtype::bf16)) ==
          std::vector<std::uint16_t>{0x3F80, 0xC020, 0x3EAB, 0x7F80});
  REQUIRE(numbers_of<std::uint16_t>(row_major_bytes(tensor, dtype::f16)) ==
          std::vector<std::uint16_t>{0x3C00, 0xC100, 0x3555, 0x7C00});
  REQUIRE(numbers_of<double>(row_major_bytes(tensor, dtype::f64))[2] == static_cast<double>(1.0F / 3.0F));
  REQUIRE(numbers_of<float>(row_major_bytes(tensor, dtype::f32)) == values);
  const std::vector<float> large{0, 70000};
  try {
    (void)row_major_bytes(view_of(large, {2}, {1}), dtype::f16);
    FAIL("no error");
  } catch (const dnalm::error& e) {
    REQUIRE(e.id() == "dnalm.numeric.262");
    REQUIRE(e.details().where == "tensor 'x', element 1");
  }
  const std::vector<double> wide{1e39};
  const stored_tensor too_wide{
      .info = {"x", dtype::f64, {1}}, .strides = {1}, .bytes = std::as_bytes(std::span(wide))};
  REQUIRE(error_id_of([&] { (void)row_major_bytes(too_wide, dtype::f32); }) == "dnalm.numeric.262");
  const std::vector<std::int64_t> whole{-7, 9};
  const stored_tensor integers{
      .info = {"x", dtype::i64, {2}}, .strides = {1}, .bytes = std::as_bytes(std::span(whole))};
  REQUIRE(numbers_of<std::int64_t>(row_major_bytes(integers, dtype::bf16)) == whole);
  REQUIRE(error_id_of([&] { (void)row_major_bytes(tensor, dtype::i64); }) == "dnalm.unsupported.120");
}

TEST_CASE("safetensors writer: tensor by tensor gives the same bytes as all at once", "[io_binary]") {
  const memory_folder folder;
  const std::vector<float> a{1, 2, 3};
  const std::vector<double> b{4, 5};
  const std::vector<tensor_info> infos{
      {"a", dtype::f32, {3}}, {"b", dtype::f64, {2}}, {"c", dtype::f32, {0, 2}}};
  dnalm::io::safetensors_writer writer(folder / "x.safetensors", infos, {{"k", "v"}});
  REQUIRE(writer.order() == std::vector<std::size_t>{1, 0, 2});
  REQUIRE_FALSE(std::filesystem::exists(folder / "x.safetensors"));
  writer.write(std::as_bytes(std::span(b)));
  REQUIRE(error_id_of([&] { writer.write(std::as_bytes(std::span(b))); }) == "dnalm.usage.263");
  REQUIRE(error_id_of([&] { writer.finish(); }) == "dnalm.usage.263");
  writer.write(std::as_bytes(std::span(a)));
  writer.write({});
  REQUIRE(error_id_of([&] { writer.write({}); }) == "dnalm.usage.263");
  writer.finish();
  dnalm::io::write_safetensors(folder / "y.safetensors",
                               {{"a", dtype::f32, {3}, std::as_bytes(std::span(a))},
                                {"b", dtype::f64, {2}, std::as_bytes(std::span(b))},
                                {"c", dtype::f32, {0, 2}, {}}},
                               {{"k", "v"}});
  REQUIRE(content_of(folder / "x.safetensors") == content_of(folder / "y.safetensors"));
  REQUIRE(dnalm::io::safetensors_file(folder / "x.safetensors").read("a") == a);
  for (const std::string name : {"a", "__metadata__", "\xff"}) {
    const std::vector<tensor_info> bad{{"a", dtype::f32, {1}}, {name, dtype::f32, {1}}};
    REQUIRE(error_id_of([&] { dnalm::io::safetensors_writer(folder / "z", bad); }) == "dnalm.usage.260");
  }
  REQUIRE(folder.files() == 2);
}

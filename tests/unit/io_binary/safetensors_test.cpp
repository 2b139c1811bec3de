// SPDX-License-Identifier: Apache-2.0
#include <nlohmann/json.hpp>

#include <dnalm/io/json.hpp>
#include <dnalm/io/safetensors.hpp>

#include <unit/io_binary/binary_files.hpp>

using namespace dnalm_test;
using dnalm::dtype;
using dnalm::io::safetensors_file;

namespace {

std::string id_of_bytes(const std::string& bytes) {
  const memory_folder folder;
  const auto path = folder.write("x.safetensors", bytes);
  return error_id_of([&] { safetensors_file{path}; });
}
/// Error of a file with this header and `data` bytes of data.
std::string id_of(const std::string& header, std::size_t data = 0) {
  return id_of_bytes(safetensors_bytes(header, std::string(data, '\1')));
}

std::string entry(const std::string& type, const std::string& shape, const std::string& offsets) {
  return R"({"dtype":")" + type + R"(","shape":)" + shape + R"(,"data_offsets":)" + offsets + "}";
}

}  // namespace

TEST_CASE("safetensors: every type comes back as written", "[io_binary]") {
  const memory_folder folder;
  const std::vector<float> f32{1.5F, -2, 3, 4, 5, 6};
  const std::vector<double> f64{1e300, -0.1};
  const std::vector<std::int64_t> i64{-7, 1LL << 53};
  const std::vector<std::uint16_t> f16{0x3C00, 0xC000, 0x0001};
  const std::vector<std::uint16_t> bf16{0x3F80, 0xC000, 0x7F80};
  const std::vector<std::uint8_t> bools{0, 1, 1};
  dnalm::io::write_safetensors(folder / "a.safetensors",
                               {{"bools", dtype::boolean, {3}, std::as_bytes(std::span(bools))},
                                {"f32", dtype::f32, {2, 3}, std::as_bytes(std::span(f32))},
                                {"f64", dtype::f64, {2, 1}, std::as_bytes(std::span(f64))},
                                {"i64", dtype::i64, {2}, std::as_bytes(std::span(i64))},
                                {"f16", dtype::f16, {3}, std::as_bytes(std::span(f16))},
                                {"bf16", dtype::bf16, {3}, std::as_bytes(std::span(bf16))},
                                {"none", dtype::f32, {0, 4}, {}},
                                {"scalar", dtype::f32, {}, std::as_bytes(std::span(f32).first(1))}},
                               {{"format", "pt"}, {"note", "\xc3\xa9"}});
  const safetensors_file file(folder / "a.safetensors");
  REQUIRE(file.tensors().size() == 8);
  REQUIRE(file.metadata().at("format") == "pt");
  REQUIRE(file.metadata().at("note") == "\xc3\xa9");
  REQUIRE(file.read("f32") == f32);
  REQUIRE(file.tensor("f32").info.shape == std::vector<dnalm::index_t>{2, 3});
  REQUIRE(file.read("f16") == std::vector<float>{1, -2, 0x1p-24F});
  REQUIRE(file.read("bf16") == std::vector<float>{1, -2, INFINITY});
  REQUIRE(file.read("bools") == std::vector<float>{0, 1, 1});
  REQUIRE(file.read("none").empty());
  REQUIRE(file.read("scalar") == std::vector<float>{1.5F});
  std::vector<double> wide(2);
  dnalm::io::read_stored(file.tensor("f64"), std::span<double>(wide));
  REQUIRE(wide == f64);
  dnalm::io::read_stored(file.tensor("i64"), std::span<double>(wide));
  REQUIRE(wide == std::vector<double>{-7, 0x1p53});
  REQUIRE(dnalm::io::find_non_finite(file.tensor("bf16")) == 2);
  REQUIRE(dnalm::io::find_non_finite(file.tensor("f32")) == -1);
  REQUIRE(error_id_of([&] { (void)file.read("other"); }) == "dnalm.format.286");
  REQUIRE(error_id_of([&] { dnalm::io::read_stored(file.tensor("f64"), std::span<float>()); }) ==
          "dnalm.shape.287");
}

TEST_CASE("safetensors: tensors are not copied and lie aligned", "[io_binary]") {
  const memory_folder folder;
  const std::vector<std::uint8_t> odd{1, 2, 3};
  const std::vector<double> wide{1, 2};
  dnalm::io::write_safetensors(folder / "a.safetensors",
                               {{"odd", dtype::u8, {3}, std::as_bytes(std::span(odd))},
                                {"wide", dtype::f64, {2}, std::as_bytes(std::span(wide))}});
  const safetensors_file file(folder / "a.safetensors");
  REQUIRE(file.tensors()[0].name == "wide");
  REQUIRE(reinterpret_cast<std::uintptr_t>(file.tensor("wide").bytes.data()) % 64 == 0);
  REQUIRE(file.tensor("odd").bytes.data() == file.tensor("wide").bytes.data() + 16);
}

TEST_CASE("safetensors: data that is not aligned is read right", "[io_binary]") {
  const memory_folder folder;
  const std::vector<float> values{1.25F, -3};
  const std::string header =
      R"({"a":)" + entry("U8", "[1]", "[0,1]") + R"(,"b":)" + entry("F32", "[2]", "[1,9]") + "}";
  for (int padding = 0; padding < 8; ++padding) {
    const std::string padded = header + std::string(static_cast<std::size_t>(padding), ' ');
    const safetensors_file file(folder.write("x.safetensors", safetensors_bytes(padded, "u" + raw(values))));
    REQUIRE(file.read("b") == values);
    REQUIRE(file.read("a")[0] == 'u');
  }
}

TEST_CASE("safetensors: a cut or lying header length is refused", "[io_binary]") {
  REQUIRE(id_of_bytes("") == "dnalm.format.255");
  REQUIRE(id_of_bytes("1234567") == "dnalm.format.255");
  REQUIRE(id_of_bytes(little(3, 8) + "{}") == "dnalm.format.255");
  REQUIRE(id_of_bytes(little(~std::uint64_t{0}, 8) + "{}") == "dnalm.format.255");
  REQUIRE(id_of_bytes(little(std::uint64_t{1} << 63, 8) + "{}") == "dnalm.format.255");
  REQUIRE(id_of_bytes(little(~std::uint64_t{0} - 7, 8) + "{}") == "dnalm.format.255");
  REQUIRE(id_of("{}").empty());
}

TEST_CASE("safetensors: a header over 100 MB is refused unread", "[io_binary]") {
  const memory_folder folder;
  const auto path = folder.write("x.safetensors", little(100'000'001, 8) + "{}");
  std::filesystem::resize_file(path, 100'000'100);  // sparse
  REQUIRE(error_id_of([&] { safetensors_file{path}; }) == "dnalm.format.261");
}

TEST_CASE("safetensors: a header that is not the right JSON is refused", "[io_binary]") {
  REQUIRE(id_of("") == "dnalm.format.226");
  REQUIRE(id_of("{") == "dnalm.format.226");
  REQUIRE(id_of("not json") == "dnalm.format.226");
  REQUIRE(id_of("{\"\xff\":1}") == "dnalm.format.226");
  REQUIRE(id_of("[]") == "dnalm.format.256");
  REQUIRE(id_of("7") == "dnalm.format.256");
  REQUIRE(id_of(R"({"a":1})") == "dnalm.format.256");
  REQUIRE(id_of(R"({"a":{}})") == "dnalm.format.256");
  REQUIRE(id_of(R"({"a":{"dtype":"F32","shape":[1]}})", 4) == "dnalm.format.256");
  REQUIRE(id_of(R"({"a":{"dtype":"F32","shape":[1],"data_offsets":[0,4],"x":1}})", 4) == "dnalm.format.256");
  REQUIRE(id_of(R"({"a":{"dtype":32,"shape":[1],"data_offsets":[0,4]}})", 4) == "dnalm.format.256");
  REQUIRE(id_of(R"({"__metadata__":7})") == "dnalm.format.256");
  REQUIRE(id_of(R"({"__metadata__":{"a":7}})") == "dnalm.format.256");
  for (const char* bad :
       {"[-1]", "[1.0]", "[\"1\"]", "[[1]]", "{}", "1", "null", "[1e2]", "[18446744073709551616]"}) {
    INFO(bad);
    REQUIRE(id_of(R"({"a":)" + entry("F32", bad, "[0,4]") + "}", 4) == "dnalm.format.256");
    REQUIRE(id_of(R"({"a":)" + entry("F32", "[1]", bad) + "}", 4) == "dnalm.format.256");
  }
  REQUIRE(id_of(R"({"a":)" + entry("F32", "[1]", "[0,4,4]") + "}", 4) == "dnalm.format.256");
}

TEST_CASE("safetensors: deep JSON and names given twice are refused", "[io_binary]") {
  REQUIRE(id_of(std::string(1'000'000, '[')) == "dnalm.format.227");
  std::string deep = "{\"a\":";
  for (int i = 0; i < 100; ++i) deep += "{\"a\":";
  REQUIRE(id_of(deep) == "dnalm.format.227");
  const std::string one = R"("a":)" + entry("F32", "[1]", "[0,4]");
  REQUIRE(id_of("{" + one + "}", 4).empty());
  REQUIRE(id_of("{" + one + "," + one + "}", 4) == "dnalm.format.228");
  REQUIRE(id_of(R"({"__metadata__":{},"__metadata__":{}})") == "dnalm.format.228");
}

TEST_CASE("safetensors: unknown element types are unsupported", "[io_binary]") {
  for (const char* type : {"F128", "f32", "", "C64", "F4"}) {
    REQUIRE(id_of(R"({"a":)" + entry(type, "[1]", "[0,4]") + "}", 4) == "dnalm.unsupported.257");
  }
}

TEST_CASE("safetensors: offsets must tile the data exactly", "[io_binary]") {
  const auto two = [](const std::string& first, const std::string& second) {
    return R"({"a":)" + entry("F32", "[1]", first) + R"(,"b":)" + entry("F32", "[1]", second) + "}";
  };
  REQUIRE(id_of(two("[0,4]", "[4,8]"), 8).empty());
  REQUIRE(id_of(two("[4,8]", "[0,4]"), 8).empty());
  REQUIRE(id_of(two("[0,4]", "[0,4]"), 4) == "dnalm.format.258");  // the same bytes
  REQUIRE(id_of(two("[0,4]", "[2,6]"), 6) == "dnalm.format.258");  // overlap
  REQUIRE(id_of(two("[0,4]", "[5,9]"), 9) == "dnalm.format.258");  // hole
  REQUIRE(id_of(two("[1,5]", "[5,9]"), 9) == "dnalm.format.258");  // hole at the start
  REQUIRE(id_of(two("[0,4]", "[4,8]"), 9) == "dnalm.format.258");  // trailing bytes
  REQUIRE(id_of(two("[0,4]", "[4,8]"), 7) == "dnalm.format.258");  // past the end
  REQUIRE(id_of(two("[4,0]", "[4,8]"), 8) == "dnalm.format.258");  // backwards
  REQUIRE(id_of(two("[0,4]", "[4,9223372036854775807]"), 8) == "dnalm.format.258");
  REQUIRE(id_of(two("[0,4]", "[9223372036854775804,9223372036854775807]"), 8) == "dnalm.format.258");
  REQUIRE(id_of(two("[0,4]", "[4,9223372036854775808]"), 8) == "dnalm.format.256");
  REQUIRE(id_of("{}", 1) == "dnalm.format.258");
}

TEST_CASE("safetensors: shape and bytes must agree without overflow", "[io_binary]") {
  const auto one = [](const std::string& type, const std::string& shape, const std::string& offsets) {
    return R"({"a":)" + entry(type, shape, offsets) + "}";
  };
  REQUIRE(id_of(one("F32", "[2]", "[0,4]"), 4) == "dnalm.format.259");
  REQUIRE(id_of(one("F64", "[1]", "[0,4]"), 4) == "dnalm.format.259");
  REQUIRE(id_of(one("F32", "[0]", "[0,4]"), 4) == "dnalm.format.259");
  REQUIRE(id_of(one("F32", "[9223372036854775807]", "[0,4]"), 4) == "dnalm.format.259");
  REQUIRE(id_of(one("F32", "[9223372036854775808]", "[0,4]"), 4) == "dnalm.format.256");
  // Products that wrap around to the right number of bytes.
  REQUIRE(id_of(one("F32", "[4611686018427387904]", "[0,0]")) == "dnalm.format.259");
  REQUIRE(id_of(one("F32", "[4294967296,4294967296]", "[0,0]")) == "dnalm.format.259");
  REQUIRE(id_of(one("U8", "[4294967297,4294967295]", "[0,4]"), 4) == "dnalm.format.259");
  REQUIRE(id_of(one("F32", "[0,7]", "[0,0]")).empty());
  REQUIRE(id_of(one("F32", "[]", "[0,4]"), 4).empty());
}

TEST_CASE("safetensors: 8-bit floats are listed but not converted", "[io_binary]") {
  const memory_folder folder;
  const safetensors_file file(folder.write(
      "x.safetensors", safetensors_bytes(R"({"a":)" + entry("F8_E4M3", "[2]", "[0,2]") + "}", "ab")));
  REQUIRE(file.tensors()[0].type == dtype::f8_e4m3);
  REQUIRE(error_id_of([&] { (void)file.read("a"); }) == "dnalm.unsupported.120");
}

TEST_CASE("safetensors: the writer refuses what the reader would", "[io_binary]") {
  const memory_folder folder;
  const std::vector<float> values{1, 2};
  const auto fails = [&](const std::vector<dnalm::io::tensor_to_write>& tensors,
                         const std::map<std::string, std::string>& metadata = {}) {
    return error_id_of([&] { dnalm::io::write_safetensors(folder / "x.safetensors", tensors, metadata); });
  };
  REQUIRE(fails({dnalm::io::make_tensor("a", values, {2}), dnalm::io::make_tensor("a", values, {2})}) ==
          "dnalm.usage.260");
  REQUIRE(fails({dnalm::io::make_tensor("a", values, {3})}) == "dnalm.usage.260");
  REQUIRE(fails({dnalm::io::make_tensor("__metadata__", values, {2})}) == "dnalm.usage.260");
  REQUIRE(fails({dnalm::io::make_tensor("\xff", values, {2})}) == "dnalm.usage.260");
  REQUIRE(fails({}, {{"a", "\xff"}}) == "dnalm.usage.260");
  REQUIRE(folder.files() == 0);
  REQUIRE(fails({}).empty());
  REQUIRE(safetensors_file(folder / "x.safetensors").tensors().empty());
}

TEST_CASE("safetensors: damaged files give an error or tensors, nothing else", "[io_binary]") {
  const std::string header = R"({"__metadata__":{"k":"v"},"a":)" + entry("F32", "[2,2]", "[0,16]") +
                             R"(,"b":)" + entry("I64", "[1]", "[16,24]") + "}";
  const std::string bytes = safetensors_bytes(header, std::string(24, '\2'));
  const int errors = survive_damage(bytes, "x.safetensors", [](const auto& path) {
    const safetensors_file file(path);
    for (const auto& info : file.tensors()) {
      if (dnalm::size_of(info.type) > 1) (void)file.read(info.name);
    }
  });
  REQUIRE(errors >= static_cast<int>(bytes.size()));  // every truncation fails
}

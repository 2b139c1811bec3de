// SPDX-License-Identifier: Apache-2.0
#include <dnalm/io/npy.hpp>
#include <dnalm/io/safetensors.hpp>

#include <cmath>

#include <unit/io_binary/binary_files.hpp>

using namespace dnalm_test;
using dnalm::dtype;
using dnalm::index_t;
using dnalm::io::npy_array;
using dnalm::io::parse_npy;

namespace {

/// An npy file of any version, header and content.
std::string npy_bytes(const std::string& header, const std::string& content, int version = 1) {
  return std::string("\x93NUMPY") + static_cast<char>(version) + '\0' +
         little(header.size(), version == 1 ? 2 : 4) + header + content;
}
std::string header_of(const std::string& type, const std::string& shape, const std::string& order = "False") {
  return "{'descr': '" + type + "', 'fortran_order': " + order + ", 'shape': " + shape + ", }\n";
}
npy_array parse(const std::string& bytes) {
  return parse_npy(bytes_of(bytes), "x.npy");
}
std::string id_of(const std::string& bytes) {
  return error_id_of([&] { (void)parse(bytes); });
}

}  // namespace

TEST_CASE("npy: written arrays come back, aligned to 64 bytes", "[io_binary]") {
  const memory_folder folder;
  const std::vector<float> values{1.5F, -2, 3, 4, 5, 6};
  dnalm::io::write_npy(folder / "a.npy", std::span<const float>(values), {2, 3});
  const auto bytes = content_of(folder / "a.npy");
  REQUIRE(bytes.substr(0, 8) == std::string("\x93NUMPY\1\0", 8));
  REQUIRE((bytes.size() - 24) % 64 == 0);
  const npy_array array = dnalm::io::read_npy(folder / "a.npy");
  REQUIRE(array.type == dtype::f32);
  REQUIRE(array.shape == std::vector<index_t>{2, 3});
  REQUIRE(array.values<float>() == values);
  REQUIRE(error_id_of([&] { dnalm::io::write_npy(folder / "b.npy", std::span<const float>(values), {7}); }) ==
          "dnalm.usage.251");
  REQUIRE(error_id_of([&] { (void)dnalm::io::npy_header(dtype::bf16, {1}); }) == "dnalm.unsupported.247");
}

TEST_CASE("npy: the header is what NumPy writes", "[io_binary]") {
  REQUIRE(dnalm::io::npy_header(dtype::f32, {2, 3}).substr(10, 59) ==
          "{'descr': '<f4', 'fortran_order': False, 'shape': (2, 3), }");
  REQUIRE(dnalm::io::npy_header(dtype::i64, {5}).find("(5,), }") != std::string::npos);
  REQUIRE(dnalm::io::npy_header(dtype::u8, {}).find("'|u1', 'fortran_order': False, 'shape': (), }") !=
          std::string::npos);
  REQUIRE(dnalm::io::npy_header(dtype::boolean, {1}).find("'|b1'") != std::string::npos);
}

TEST_CASE("npy: either order and endianness give the same values", "[io_binary]") {
  const std::vector<std::int16_t> rows{1, 2, 3, 4, 5, 6};
  const std::vector<std::int16_t> columns{1, 4, 2, 5, 3, 6};
  const auto swapped = [](std::string bytes) {
    for (std::size_t i = 0; i < bytes.size(); i += 2) std::swap(bytes[i], bytes[i + 1]);
    return bytes;
  };
  for (const int version : {1, 2, 3}) {
    REQUIRE(parse(npy_bytes(header_of("<i2", "(2, 3)"), raw(rows), version)).values<std::int16_t>() == rows);
    REQUIRE(
        parse(npy_bytes(header_of("<i2", "(2, 3)", "True"), raw(columns), version)).values<std::int16_t>() ==
        rows);
    REQUIRE(
        parse(npy_bytes(header_of(">i2", "(2, 3)"), swapped(raw(rows)), version)).values<std::int16_t>() ==
        rows);
    REQUIRE(
        parse(npy_bytes(header_of(">i2", "(2, 3)", "True"), swapped(raw(columns)), version)).values<int>() ==
        std::vector<int>{1, 2, 3, 4, 5, 6});
  }
}

TEST_CASE("npy: headers may be spelled in any way Python allows", "[io_binary]") {
  const std::vector<float> one{7};
  for (const char* header : {"{\"shape\": (1,), \"descr\": \"<f4\", \"fortran_order\": False}",
                             "{'shape':(1L,),'descr':'<f4','fortran_order':False,}   \n",
                             " { 'shape' : ( 1 , ) , "
                             "'descr' : '=f4' , 'fortran_order' : True } "}) {
    INFO(header);
    REQUIRE(parse(npy_bytes(header, raw(one))).values<float>() == one);
  }
}

TEST_CASE("npy: texts go both ways", "[io_binary]") {
  const std::vector<std::string> texts{"chr1:1-200", "", "\xc3\xa9t\xc3\xa9", "\xf0\x9f\xa7\xac dna", "a\tb"};
  const npy_array array = parse_npy(dnalm::io::npy_from_strings(texts), "x");
  REQUIRE(array.texts() == texts);
  REQUIRE(array.shape == std::vector<index_t>{5});
  REQUIRE(parse_npy(dnalm::io::npy_from_strings({}), "x").texts().empty());
  REQUIRE(parse(npy_bytes(header_of("|S3", "(2,)"), std::string("ab\0xyz", 6))).texts() ==
          std::vector<std::string>{"ab", "xyz"});
  REQUIRE(parse(npy_bytes(header_of(">U1", "(1,)"), std::string("\0\0\0A", 4))).texts()[0] == "A");
  REQUIRE(id_of(npy_bytes(header_of("<U1", "(1,)"), little(0x110000, 4))) == "dnalm.format.253");
  REQUIRE(id_of(npy_bytes(header_of("<U1", "(1,)"), little(0xD800, 4))) == "dnalm.format.253");
  REQUIRE(id_of(npy_bytes(header_of("|S2", "(1,)"), "a\xff")) == "dnalm.format.253");
  for (const std::string& bad : {std::string("\xff"), std::string("\xed\xa0\x80"), std::string("\xc0\xaf"),
                                 std::string("\xe2\x82"), std::string("a\0", 2)}) {
    const std::vector<std::string> one{bad};
    REQUIRE(error_id_of([&] { (void)dnalm::io::npy_from_strings(one); }) == "dnalm.format.253");
  }
}

TEST_CASE("npy: integers are converted exactly or not at all", "[io_binary]") {
  const auto make = [](auto values) {
    using value_type = typename decltype(values)::value_type;
    npy_array made{.type = dnalm::io::dtype_of<value_type>(), .shape = {static_cast<index_t>(values.size())}};
    const auto bytes = std::as_bytes(std::span<const value_type>(values));
    made.data.assign(bytes.begin(), bytes.end());
    return made;
  };
  REQUIRE(make(std::vector<double>{-3, 127}).values<std::int8_t>() == std::vector<std::int8_t>{-3, 127});
  REQUIRE(make(std::vector<std::uint64_t>{~std::uint64_t{0}}).values<std::uint64_t>()[0] ==
          ~std::uint64_t{0});
  REQUIRE(make(std::vector<std::int64_t>{INT64_MIN}).values<std::int64_t>()[0] == INT64_MIN);
  const auto fails = [&](auto values, auto target) {
    return error_id_of([&] { (void)make(values).template values<decltype(target)>(); }) == "dnalm.format.250";
  };
  REQUIRE(fails(std::vector<double>{1.5}, int{}));
  REQUIRE(fails(std::vector<double>{128}, std::int8_t{}));
  REQUIRE(fails(std::vector<double>{-1}, std::uint32_t{}));
  REQUIRE(fails(std::vector<double>{0x1p63}, std::int64_t{}));
  REQUIRE(fails(std::vector<float>{NAN}, std::int64_t{}));
  REQUIRE(fails(std::vector<float>{INFINITY}, std::int64_t{}));
  REQUIRE(fails(std::vector<std::uint64_t>{std::uint64_t{1} << 63}, std::int64_t{}));
  REQUIRE(fails(std::vector<std::int64_t>{-1}, std::uint64_t{}));
  REQUIRE(fails(std::vector<std::int32_t>{1 << 20}, std::int16_t{}));
  REQUIRE(error_id_of([&] { (void)make(std::vector<float>{1}).texts(); }) == "dnalm.format.250");
  const std::vector<std::string> text{"a"};
  const auto texts = parse_npy(dnalm::io::npy_from_strings(text), "x");
  REQUIRE(error_id_of([&] { (void)texts.values<float>(); }) == "dnalm.format.250");
}

TEST_CASE("npy: what is no npy file is refused", "[io_binary]") {
  REQUIRE(id_of("") == "dnalm.format.245");
  REQUIRE(id_of("\x93NUMPY") == "dnalm.format.245");
  REQUIRE(id_of(npy_bytes(header_of("<f4", "(0,)"), "", 4)) == "dnalm.format.245");
  REQUIRE(id_of(std::string("\x93NUMPY\1\0\xff\xff{}", 12)) == "dnalm.format.245");
  REQUIRE(id_of(std::string("\x93NUMPY\2\0\xff\xff\xff\xff{}", 14)) == "dnalm.format.245");
  REQUIRE(id_of(std::string("\x93NUMPY\2\0\x01", 10)) == "dnalm.format.245");
}

TEST_CASE("npy: malformed headers are refused", "[io_binary]") {
  for (const char* header :
       {"", "{", "{}", "{'descr': '<f4'}", "[]", "{'descr': '<f4', 'fortran_order': False, 'shape': (1,)} x",
        "{'descr': '<f4', 'descr': '<f4', 'fortran_order': False, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': 0, 'shape': (1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': 1}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '<f4', 'fortran_order': False, 'shape': (1",
        "{'descr': '<f4, 'fortran_order': False, 'shape': (1,)}", "{'x': 1}",
        "{'descr': __import__('os').system('true'), 'fortran_order': False, 'shape': (1,)}"}) {
    INFO(header);
    REQUIRE(id_of(npy_bytes(header, "1234")) == "dnalm.format.246");
  }
  std::string axes = "(";
  for (int i = 0; i < 65; ++i) axes += "1,";
  REQUIRE(id_of(npy_bytes(header_of("<f4", axes + ")"), "1234")) == "dnalm.format.246");
}

TEST_CASE("npy: pickled objects, structures, complex numbers and dates are not read", "[io_binary]") {
  for (const char* type :
       {"|O", "<c8", "<M8[ns]", "<f16", "<f3", "", "<", "<U", "<U-1", "<U0", "<U9999999", "|V8", "i"}) {
    INFO(type);
    REQUIRE(id_of(npy_bytes(header_of(type, "(1,)"), "12345678")) == "dnalm.unsupported.247");
  }
  REQUIRE(id_of(npy_bytes("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}", "1234")) ==
          "dnalm.unsupported.247");
}

TEST_CASE("npy: shape and data must agree without overflow", "[io_binary]") {
  REQUIRE(id_of(npy_bytes(header_of("<f4", "(1,)"), "123")) == "dnalm.format.248");
  REQUIRE(id_of(npy_bytes(header_of("<f4", "(1,)"), "12345")) == "dnalm.format.248");
  REQUIRE(id_of(npy_bytes(header_of("<f4", "(0, 3)"), "")).empty());
  REQUIRE(id_of(npy_bytes(header_of("<f4", "()"), "1234")).empty());
  REQUIRE(id_of(npy_bytes(header_of("<f4", "(9223372036854775807,)"), "1234")) == "dnalm.format.249");
  REQUIRE(id_of(npy_bytes(header_of("<f4", "(9223372036854775808,)"), "1234")) == "dnalm.format.249");
  REQUIRE(id_of(npy_bytes(header_of("<f4", "(4611686018427387904,)"), "")) == "dnalm.format.249");
  REQUIRE(id_of(npy_bytes(header_of("<u1", "(4294967297, 4294967295)"), "1234")) == "dnalm.format.249");
  REQUIRE(id_of(npy_bytes(header_of("<U1000000", "(1000000000,)"), "")) == "dnalm.format.248");
}

TEST_CASE("npy: damaged files give an error or an array, nothing else", "[io_binary]") {
  const std::vector<std::string> texts{"ab", "c"};
  const auto text_bytes = dnalm::io::npy_from_strings(texts);
  for (const std::string& bytes :
       {npy_bytes(header_of("<f4", "(2, 2)", "True"), std::string(16, '\1')),
        std::string(reinterpret_cast<const char*>(text_bytes.data()), text_bytes.size())}) {
    const int errors =
        survive_damage(bytes, "x.npy", [](const auto& path) { (void)dnalm::io::read_npy(path); });
    REQUIRE(errors >= static_cast<int>(bytes.size()));
  }
}

TEST_CASE("npy: files written by NumPy hold the values they should", "[io_binary][golden]") {
  const std::filesystem::path folder = std::filesystem::path(DNALM_GOLDEN_DIR) / "npy";
  const dnalm::io::safetensors_file expected(folder / "expected.safetensors");
  REQUIRE(expected.tensors().size() >= 20);
  for (const auto& info : expected.tensors()) {
    INFO(info.name);
    const npy_array array = dnalm::io::read_npy(folder / (info.name + ".npy"));
    REQUIRE(array.type == info.type);
    REQUIRE(array.shape == info.shape);
    const auto& stored = expected.tensor(info.name).bytes;
    REQUIRE(std::equal(array.data.begin(), array.data.end(), stored.begin(), stored.end()));
  }
}

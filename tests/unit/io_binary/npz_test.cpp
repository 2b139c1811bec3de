// SPDX-License-Identifier: Apache-2.0
#include <dnalm/io/npz.hpp>
#include <dnalm/io/safetensors.hpp>

#include <numeric>

#include <unit/io_binary/binary_files.hpp>

using namespace dnalm_test;
using dnalm::dtype;
using dnalm::index_t;
using dnalm::io::npz_options;
using dnalm::io::npz_reader;
using dnalm::io::npz_writer;

namespace {

/// Writes the same arrays with any options.
void write_example(const std::filesystem::path& path, const npz_options& options = {}) {
  npz_writer writer(path, options);
  const std::size_t tokens = writer.begin<float>("tokens/layer_1", {3});
  const std::size_t ids = writer.begin<std::int64_t>("ids", {});
  for (int row = 0; row < 1000; ++row) {
    const auto value = static_cast<float>(row);
    writer.append(tokens, std::vector<float>{value, value + 0.25F, value + 0.5F, -value, 0, 1});
    if (row == 500) writer.add("middle", std::vector<double>{1, 2, 3, 4}, {2, 2});
    writer.append(ids, std::vector<std::int64_t>{row});
  }
  const std::vector<std::string> names{"one", "two"};
  writer.add_strings("names", names);
  writer.finish();
}

}  // namespace

TEST_CASE("npz: whole and growing arrays come back", "[io_binary]") {
  const memory_folder folder;
  for (const npz_options& options :
       {npz_options{}, npz_options{.deflate = true}, npz_options{.memory_per_member = 1},
        npz_options{.memory_per_member = 1000}}) {
    write_example(folder / "x.npz", options);
    REQUIRE(folder.files() == 1);
    const npz_reader archive(folder / "x.npz");
    REQUIRE(archive.names() == std::vector<std::string>{"middle", "names", "tokens/layer_1", "ids"});
    const auto tokens = archive.read("tokens/layer_1");
    REQUIRE(tokens.shape == std::vector<index_t>{2000, 3});
    const auto values = tokens.values<float>();
    REQUIRE(values[6 * 777 + 2] == 777.5F);
    REQUIRE(values[6 * 777 + 3] == -777.0F);
    const auto ids = archive.read("ids");
    REQUIRE(ids.shape == std::vector<index_t>{1000});
    std::vector<std::int64_t> count(1000);
    std::iota(count.begin(), count.end(), 0);
    REQUIRE(ids.values<std::int64_t>() == count);
    REQUIRE(archive.read("names").texts() == std::vector<std::string>{"one", "two"});
    REQUIRE(archive.read("middle").values<double>() == std::vector<double>{1, 2, 3, 4});
    REQUIRE(error_id_of([&] { (void)archive.read("none"); }) == "dnalm.format.252");
  }
}

TEST_CASE("npz: the same calls give the same bytes, whatever waits where", "[io_binary]") {
  const memory_folder folder;
  write_example(folder / "a.npz");
  write_example(folder / "b.npz", {.memory_per_member = 7});
  REQUIRE(content_of(folder / "a.npz") == content_of(folder / "b.npz"));
}

TEST_CASE("npz: data of stored arrays can be mapped", "[io_binary]") {
  const memory_folder folder;
  write_example(folder / "a.npz");
  const dnalm::io::zip_reader archive(folder / "a.npz");
  for (const auto& entry : archive.entries()) {
    REQUIRE(entry.data_offset % 64 == 0);
    const auto bytes = archive.raw(entry);
    const auto header = std::to_integer<int>(bytes[8]) + 256 * std::to_integer<int>(bytes[9]);
    REQUIRE((10 + header) % 64 == 0);
  }
}

TEST_CASE("npz: arrays without rows or without numbers are arrays", "[io_binary]") {
  const memory_folder folder;
  npz_writer writer(folder / "a.npz");
  (void)writer.begin<float>("none", {4});
  const auto empty = writer.begin<float>("empty", {0});
  writer.append(empty, std::vector<float>{});
  writer.add("scalar", std::vector<float>{2.5F}, {});
  writer.finish();
  const npz_reader archive(folder / "a.npz");
  REQUIRE(archive.read("none").shape == std::vector<index_t>{0, 4});
  REQUIRE(archive.read("empty").shape == std::vector<index_t>{0, 0});
  REQUIRE(archive.read("scalar").shape.empty());
  REQUIRE(archive.read("scalar").values<float>()[0] == 2.5F);
}

TEST_CASE("npz: misuse is refused and leaves no file", "[io_binary]") {
  const memory_folder folder;
  const auto fails = [&](auto&& use) {
    return error_id_of([&] {
      npz_writer writer(folder / "x.npz");
      use(writer);
      writer.finish();
    });
  };
  const std::vector<float> values{1, 2, 3};
  REQUIRE(fails([&](npz_writer& w) { w.add("a", values, {4}); }) == "dnalm.usage.251");
  REQUIRE(fails([&](npz_writer& w) {
            w.add("a", values, {3});
            (void)w.begin<float>("a", {});
          }) == "dnalm.usage.240");
  REQUIRE(fails([&](npz_writer& w) { w.append(w.begin<float>("a", {2}), values); }) == "dnalm.usage.251");
  REQUIRE(fails([&](npz_writer& w) { w.append(w.begin<double>("a", {}), values); }) == "dnalm.usage.251");
  REQUIRE(fails([&](npz_writer& w) { w.append(3, values); }) == "dnalm.usage.251");
  REQUIRE(fails([&](npz_writer& w) { (void)w.begin("a", dtype::bf16, {}); }) == "dnalm.unsupported.247");
  REQUIRE(folder.files() == 0);
}

TEST_CASE("npz: an archive can be written to a device", "[io_binary]") {
  REQUIRE(error_id_of([&] { write_example("/dev/null", {.memory_per_member = 64}); }).empty());
}

TEST_CASE("npz: damaged archives give an error or arrays, nothing else", "[io_binary]") {
  const memory_folder folder;
  for (const bool deflate : {false, true}) {
    npz_writer writer(folder / "a.npz", {.deflate = deflate});
    writer.add("a", std::vector<float>{1, 2, 3, 4}, {2, 2});
    writer.finish();
    const std::string bytes = content_of(folder / "a.npz");
    const int errors = survive_damage(bytes, "x.npz", [](const auto& path) {
      const npz_reader archive(path);
      for (const auto& name : archive.names()) (void)archive.read(name);
    });
    REQUIRE(errors >= static_cast<int>(bytes.size()));
  }
}

TEST_CASE("npz: archives written by NumPy hold the values they should", "[io_binary][golden]") {
  const std::filesystem::path folder = std::filesystem::path(DNALM_GOLDEN_DIR) / "npy";
  const dnalm::io::safetensors_file expected(folder / "expected.safetensors");
  const auto check = [&](const npz_reader& archive, const std::string& array, const std::string& tensor) {
    INFO(array);
    const auto found = archive.read(array);
    const auto& stored = expected.tensor(tensor);
    REQUIRE(found.shape == stored.info.shape);
    REQUIRE(std::equal(found.data.begin(), found.data.end(), stored.bytes.begin(), stored.bytes.end()));
  };
  for (const char* file : {"stored.npz", "compressed.npz"}) {
    const npz_reader archive(folder / file);
    for (const char* name : {"f8", "f4", "i8", "bool", "f4_fortran", "f8_scalar", "f4_empty"})
      check(archive, name, name);
    check(archive, "with/slash", "f4_vector");
  }
  const auto numbers = npz_reader(folder / "compressed.npz").read("long").values<int>();
  REQUIRE(numbers.size() == 5000);
  REQUIRE(numbers[4999] == 4999);
  const npz_reader positional(folder / "positional.npz");
  check(positional, "arr_0", "f4");
  check(positional, "arr_1", "i8");
}
